<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en_US" sourcelanguage="en_US">
    <context>
        <name>ModicGrader</name>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>A grade that is too doubtful is withheld. Its probabilities are in the report in any case.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Advanced</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Apply</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Cancel</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Cancelled; the scene is as it was.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Cancelling</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Check that the files of the models are there and whole.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Choose T1, T2 or both to have something to grade.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Click a row and all views go to that disc.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Corners</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Correct</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Device:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Disc:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Done</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Edit the map</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Endplate lesion:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Evidence: which voxels spoke for a change. Probability: how probable a change is there.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Export</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Find, name and grade the discs.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Finds and names the lumbar discs on sagittal T1 and T2 MRI, and grades Modic changes of either endplate, endplate lesions, Pfirrmann, narrowing and more. For research use only: it is no medical device.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Folder for report.html, report.json, tables, maps and segmentation.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Grades in doubt:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Heat:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Inputs</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Level is in truth:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Lower endplate:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Lowest disc:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Models:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Modic map</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Modic of the disc:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>ModicGrader</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Name of the lowest disc in view, where the program counts wrong; "auto" lets it count.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Names</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Narrowing:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Opacity of the heat.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Open the Modic map in the Segment Editor; come back to have the extents measured anew.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Outlines</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Pfirrmann:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Please cite ModicGrader as its CITATION.cff says.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Reader:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Renames this disc and with it all others.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Results</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Sagittal T1-weighted series. Without it the type of a Modic change is not told.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Sagittal T2-weighted series, best without fat suppression.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Show the page</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>T1:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>T2:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Take back the latest correction.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Teaching</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>The files of the models are whole.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Turn the views along the disc</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Undo</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Upper endplate:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Verify</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>Where the networks run; "auto" takes a graphics card where there is one.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>options.device</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>options.doubtful</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>options.lowestDisc</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>reader</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>show the likeliest one, with a question mark</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>t1</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>t2</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.aligned</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.corners</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.heat</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.labels</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.modic</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.opacity</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>view.spine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>vtkMRMLScalarVolumeNode</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/ModicGrader.ui" />
            <source>your name or initials, kept with each correction</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>Teaching</name>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>A patient drawn by lot, or a case of the teaching library. Its name is hidden once the case begins.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Case:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Difficulty:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Export answers</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Finding:</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Go on with a session that was saved.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>How large the Modic changes are, and how far they stand out from the noise.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>New case</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Open session</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Reveal</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Save every answer beside the truth and the machine as CSV.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Save session</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Save the revealed cases and the score as JSON.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>Show the truth and the machine's grades. Your answers stand from then on.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGrader/Resources/UI/Teaching.ui" />
            <source>What the patient has; "any" keeps even that from you.</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.correction</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>choose a row of the results</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.dependencies</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/dependencies.py" />
            <source>ModicGrader needs the extension PyTorch; install it in the Extensions Manager and start Slicer again</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/dependencies.py" />
            <source>ModicGrader needs to install {names}.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/dependencies.py" />
            <source>nothing was done, for {names} may not be installed; try again and agree to install it</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/dependencies.py" />
            <source>{names} could not be installed ({reason}); look at the log and the network, then try again</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.lesson_tables</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Item</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Kappa</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Level</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Task</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>Truth</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_tables.py" />
            <source>You</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.lesson_words</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>95 % interval {low} to {high}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Endplate lesion</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Endplates</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic above</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic below</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic type</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic type I</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic type II</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Modic type III</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Narrowed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Narrowing</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>On the same {count} you have {right} right, kappa {kappa}.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Pfirrmann</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Pfirrmann grades</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>Schmorl</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>The machine graded none of these.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>any</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>easy</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>endplate lesions</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>hard</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>healthy spine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>medium</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>mixed Modic types</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>no</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>normal</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>notched</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>wavy</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/lesson_words.py" />
            <source>yes</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.reading</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/reading.py" />
            <source>Please give your name or initials first: they are kept with each correction.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/reading.py" />
            <source>Written to {folder}</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.results</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Doubt</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Extent</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Lesion</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Level</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Lower</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Narrow</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Pfirrmann</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/results.py" />
            <source>Upper</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.samples</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Modic I at L4/L5</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Modic I/II at L4/L5</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Modic II at L5/S1</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Modic III at L4/L5</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Old fracture, no Modic change</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Pfirrmann V</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Schmorl's node at L1/L2</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>Several findings in one spine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/samples.py" />
            <source>{name} is loaded</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>gui.teaching</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Cancel</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Case {number}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Case {number} is being made</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Case {number}: grade what you see; what you leave open is not counted.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Choose a row to see what to look at.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Choose what to practise, and begin with New case.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>New case</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Open a teaching session</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Save the answers</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Save the session</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Session (*.json)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Table (*.csv)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>To read: {difficulty}.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>Your answers to the open case were not revealed and will not count. Begin another case?</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>drawn by lot</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>{level}, truth {truth}: {sign}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>{text} It can be revealed when the machine has graded it too.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>{text} The machine could not grade it: {error}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/teaching.py" />
            <source>{text} What spoke most for a change to the machine lies in slice {slice} of T2.</source>
            <translation type="unfinished" />
        </message>
    </context>
    <context>
        <name>qSlicerAbstractCoreModule</name>
        <message>
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Quantification</source>
            <translation type="unfinished" />
        </message>
    </context>
</TS>

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
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Please give your name or initials first: they are kept with each correction.</source>
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
            <location filename="../../../ModicGrader/ModicGrader.py" />
            <source>Written to {folder}</source>
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
        <name>gui.correction</name>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>choose a row of the results</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>no</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>withheld</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>yes</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>{what}: edited by {reader}, {when}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../../../ModicGraderLib/gui/correction.py" />
            <source>{what}: {machine} → {value} by {reader}, {when}</source>
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

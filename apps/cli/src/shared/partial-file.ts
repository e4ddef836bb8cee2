export { openOutput as openPartial, writeOutputSync as writeWhole } from '@facedet/files';

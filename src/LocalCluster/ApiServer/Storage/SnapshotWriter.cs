using System.Buffers;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>Writes a state as a snapshot: to a temporary name, flushed, renamed; then older files go.</summary>
static class SnapshotWriter
{
    const int FrameBytes = 1 << 20;

    public static async Task WriteAsync(string directory, StoreState state)
    {
        // Leave the writer of the store at once: the state is immutable, and new changes go to the next log file meanwhile.
        await Task.Yield();
        var final = StoreFiles.Snapshot(directory, state.Revision);
        var temporary = final + ".tmp";
        await using (var file = new FileStream(temporary, Private()))
        {
            var buffer = new ArrayBufferWriter<byte>(FrameBytes);
            var frame = new List<LogRecord>();
            long size = 0;
            foreach (var item in state.All())
            {
                frame.Add(new LogRecord(LogRecordKind.Put, item));
                size += item.Json.Length;
                if (size < FrameBytes)
                    continue;
                Flush(file, frame, buffer);
                size = 0;
            }

            frame.Add(new LogRecord(LogRecordKind.Revision, new StoredObject("", default(ObjectKey) with { Namespace = "", Name = "" }, state.Revision, "{}"u8.ToArray())));
            Flush(file, frame, buffer);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, final, overwrite: true);
        DirectorySync.Flush(directory);
        StoreFiles.RemoveOlderThan(directory, state.Revision);
    }

    static FileStreamOptions Private()
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    static void Flush(FileStream file, List<LogRecord> frame, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        file.Write(ObjectLog.Encode(frame, buffer));
        frame.Clear();
    }
}

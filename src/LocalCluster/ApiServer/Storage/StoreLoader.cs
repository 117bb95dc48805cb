using System.Text;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>The object log cannot be read as written; starting anyway would lose acknowledged writes.</summary>
sealed class StoreCorruptException(string message) : Exception(message);

/// <summary>Reads the snapshot and the logs of a directory back into a state and the history that watchers resume from.</summary>
static class StoreLoader
{
    public sealed record Loaded(StoreState State, string? LastLog, long LogBytes, bool TornTail);

    public static Loaded Load(string directory, WatchHistory history)
    {
        var state = LoadSnapshot(directory);
        var snapshotRevision = state.Revision;
        history.StartAfter(snapshotRevision);
        var logs = StoreFiles.Find(directory, "log").ToList();
        var torn = false;
        long lastLength = 0;
        for (var i = 0; i < logs.Count; i++)
        {
            var isLast = i == logs.Count - 1;
            (state, lastLength, var damaged) = Replay(logs[i].Path, state, history, isLast);
            torn |= damaged;
        }

        return new Loaded(state, logs.Count == 0 ? null : logs[^1].Path, lastLength, torn);
    }

    static StoreState LoadSnapshot(string directory)
    {
        var (path, revision) = StoreFiles.Find(directory, "snapshot").LastOrDefault();
        if (path is null)
            return StoreState.Empty;
        var bytes = File.ReadAllBytes(path);
        var state = StoreState.Empty;
        var offset = 0;
        var complete = false;
        while (LogFrame.TryRead(bytes, offset, out var payload))
        {
            offset += LogFrame.HeaderSize + payload.Length;
            while (!payload.IsEmpty)
            {
                var record = LogRecord.Read(ref payload);
                complete |= record.Kind == LogRecordKind.Revision;
                if (record.Kind == LogRecordKind.Put)
                    state = state.Put(record.Object);
            }
        }

        // The closing record is written last: without it the file is not the whole snapshot.
        if (!complete || offset != bytes.Length)
            throw Corrupt(path, offset, bytes.Length);
        return state with { Revision = revision };
    }

    static (StoreState State, long Length, bool Torn) Replay(string path, StoreState state, WatchHistory history, bool isLast)
    {
        var bytes = File.ReadAllBytes(path);
        var offset = 0;
        while (LogFrame.TryRead(bytes, offset, out var payload))
        {
            offset += LogFrame.HeaderSize + payload.Length;
            while (!payload.IsEmpty)
                state = Apply(state, LogRecord.Read(ref payload), history);
        }

        if (offset == bytes.Length)
            return (state, offset, false);
        // Only the last write of the last file can be torn by a crash. Intact frames behind the damage mean damage at rest.
        if (!isLast || HasFrameAfter(bytes, offset))
            throw Corrupt(path, offset, bytes.Length);
        return (state, offset, true);
    }

    static StoreState Apply(StoreState state, LogRecord record, WatchHistory history)
    {
        var item = record.Object;
        if (item.Revision <= state.Revision)
            return state;
        var previous = state.Find(item.Resource, item.Key);
        if (record.Kind == LogRecordKind.Delete)
        {
            history.Append(new StoreEvent(StoreEventType.Deleted, item, previous));
            return state.Remove(item.Resource, item.Key, item.Revision);
        }

        history.Append(new StoreEvent(previous is null ? StoreEventType.Added : StoreEventType.Modified, item, previous));
        return state.Put(item);
    }

    static bool HasFrameAfter(ReadOnlySpan<byte> bytes, int offset)
    {
        for (var candidate = offset + 1; candidate < bytes.Length - LogFrame.HeaderSize; candidate++)
        {
            if (LogFrame.TryRead(bytes, candidate, out _))
                return true;
        }

        return false;
    }

    static StoreCorruptException Corrupt(string path, int offset, int length) => new(new StringBuilder()
        .Append($"the object log {path} is damaged at byte {offset} of {length}, before its end: ")
        .Append("acknowledged writes would be lost. Restore the file from a copy, or move the directory away to start empty.")
        .ToString());
}

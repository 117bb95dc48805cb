using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>
/// All objects of the cluster: in memory as one immutable state, on disk as a log. One loop makes every change: it takes the
/// changes that have gathered, checks each against the state, appends and flushes them as one frame, and only then lets readers
/// and watchers see them. So nothing that anybody saw is ever lost, and the revision never goes back.
/// </summary>
sealed class ObjectStore : IAsyncDisposable
{
    const int MaxBatch = 256;
    const long MinCompactBytes = 8 << 20;

    readonly string _directory;
    readonly ILogger _log;
    readonly Channel<Commit> _queue = Channel.CreateBounded<Commit>(new BoundedChannelOptions(4096) { SingleReader = true });
    readonly Task _writer;
    readonly TaskCompletionSource<Exception> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    ObjectLog _file;
    StoreState _state;
    Task _compaction = Task.CompletedTask;
    long _compactAt;

    ObjectStore(string directory, StoreLoader.Loaded loaded, WatchHistory history, ILogger log)
    {
        _directory = directory;
        _log = log;
        _state = loaded.State;
        History = history;
        _file = new ObjectLog(loaded.LastLog ?? StoreFiles.Log(directory, loaded.State.Revision), loaded.LogBytes);
        _compactAt = NextCompaction();
        _writer = WriteLoopAsync();
    }

    public WatchHistory History { get; }

    /// <summary>The newest durable state.</summary>
    public StoreState State => Volatile.Read(ref _state);

    /// <summary>Ends when the store cannot go on; the process must end then.</summary>
    public Task<Exception> Failed => _failed.Task;

    /// <summary>Called in order with every durable change, before watchers are woken. Must be quick.</summary>
    public Action<StoreEvent>? Observer { get; set; }

    public static ObjectStore Open(string directory, ILogger log)
    {
        Directory.CreateDirectory(directory);
        var history = new WatchHistory();
        var loaded = StoreLoader.Load(directory, history);
        if (loaded.TornTail)
            Log.TornTail(log, loaded.LastLog!, loaded.LogBytes);
        return new ObjectStore(directory, loaded, history, log);
    }

    /// <summary>Makes a change durable. Null: the object is not at <see cref="Commit.Expected"/> any more.</summary>
    /// <exception cref="ApiException">The guard refused, or the disk is full.</exception>
    public async Task<StoredObject?> CommitAsync(Commit commit)
    {
        await _queue.Writer.WriteAsync(commit);
        return await commit.Done.Task;
    }

    async Task WriteLoopAsync()
    {
        await Task.Yield();
        var batch = new List<Commit>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var commit))
                batch.Add(commit);
            try
            {
                WriteBatch(batch);
            }
            catch (StoreFailedException error)
            {
                Fail(batch, error);
                return;
            }

            if (_file.Length > _compactAt && _compaction.IsCompleted)
                StartCompaction();
        }
    }

    void WriteBatch(List<Commit> batch)
    {
        var state = _state;
        var changes = new List<StoreEvent>(batch.Count);
        var outcomes = new List<(Commit Commit, StoredObject? Result)>(batch.Count);
        foreach (var commit in batch)
        {
            try
            {
                outcomes.Add((commit, TryApply(ref state, commit, changes)));
            }
            catch (Exception refusal)
            {
                commit.Done.TrySetException(refusal);
            }
        }

        if (changes.Count > 0)
        {
            try
            {
                _file.Append([.. changes.Select(change =>
                    new LogRecord(change.Type == StoreEventType.Deleted ? LogRecordKind.Delete : LogRecordKind.Put, change.Object))]);
            }
            catch (IOException error)
            {
                Log.AppendFailed(_log, _file.Path, error);
                foreach (var (commit, _) in outcomes)
                    commit.Done.TrySetException(ApiErrors.InternalError($"the object log could not be written: {error.Message}"));
                return;
            }

            History.Publish(changes, () =>
            {
                Volatile.Write(ref _state, state);
                foreach (var change in changes)
                    Observer?.Invoke(change);
            });
        }

        foreach (var (commit, result) in outcomes)
            commit.Done.TrySetResult(result);
    }

    static StoredObject? TryApply(ref StoreState state, Commit commit, List<StoreEvent> changes)
    {
        var previous = state.Find(commit.Resource, commit.Key);
        if ((previous?.Revision ?? 0) != commit.Expected)
            return null;
        commit.Guard?.Invoke(state);
        var revision = state.Revision + 1;
        var body = commit.Object;
        body.Ensure("metadata")["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture);
        var item = new StoredObject(commit.Resource, commit.Key, revision, JsonWriting.ToUtf8(body));
        state = commit.IsDelete ? state.Remove(commit.Resource, commit.Key, revision) : state.Put(item);
        var type = commit.IsDelete ? StoreEventType.Deleted : previous is null ? StoreEventType.Added : StoreEventType.Modified;
        changes.Add(new StoreEvent(type, item, previous));
        return item;
    }

    void StartCompaction()
    {
        var state = _state;
        var old = _file;
        _file = new ObjectLog(StoreFiles.Log(_directory, state.Revision), 0);
        old.Dispose();
        _compaction = CompactAsync(state);
    }

    async Task CompactAsync(StoreState state)
    {
        try
        {
            await SnapshotWriter.WriteAsync(_directory, state);
            Log.Compacted(_log, state.Revision);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The logs are complete without the snapshot; the next time may have more room.
            Log.CompactionFailed(_log, error);
        }

        Volatile.Write(ref _compactAt, NextCompaction());
    }

    long NextCompaction() => Math.Max(MinCompactBytes, 2 * State.All().Sum(item => (long)item.Json.Length));

    void Fail(List<Commit> batch, StoreFailedException error)
    {
        _queue.Writer.TryComplete();
        foreach (var commit in batch)
            commit.Done.TrySetException(ApiErrors.InternalError(error.Message));
        while (_queue.Reader.TryRead(out var waiting))
            waiting.Done.TrySetException(ApiErrors.InternalError(error.Message));
        _failed.TrySetResult(error);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer;
        await _compaction;
        _file.Dispose();
    }
}

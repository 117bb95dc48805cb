using System.Text;
using System.Text.Json;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>
/// Lists, whole or in pages. All pages of a list come from the snapshot of its first page, which is kept for a while; a client
/// that comes back too late is told 410 Expired with a token that goes on, inconsistently, from the present.
/// </summary>
sealed class Pager(ObjectStore store, TimeProvider time)
{
    static readonly TimeSpan Keep = TimeSpan.FromMinutes(5);
    const int MaxSnapshots = 64;

    readonly Lock _lock = new();
    readonly Dictionary<long, (StoreState State, DateTimeOffset Until)> _snapshots = [];

    public ListPage List(ResourceType type, string? ns, ListOptions options)
    {
        var (state, start) = options.Continue.Length > 0 ? Resume(options.Continue) : (Fresh(options), default(ObjectKey?));
        var items = new List<StoredObject>();
        var next = "";
        long? remaining = null;
        var all = state.List(type.Store, ns);
        foreach (var item in start is { } from ? all.SkipWhile(item => Compare(item.Key, from) <= 0) : all)
        {
            if (!options.Matches(item))
                continue;
            if (options.Limit > 0 && items.Count == options.Limit)
            {
                next = Token(state.Revision, items[^1].Key);
                remaining = options.SelectsAll ? Remaining(state.List(type.Store, ns), items[^1].Key) : null;
                Retain(state);
                break;
            }

            items.Add(item);
        }

        return new ListPage(state.Revision, items, next, remaining);
    }

    StoreState Fresh(ListOptions options)
    {
        var state = store.State;
        if (options.ParseRevision() is not { } revision)
            return state;
        if (revision > state.Revision)
            throw ApiErrors.RevisionTooLarge(revision, state.Revision);
        if (options.Match != "Exact" || revision == state.Revision)
            return state;
        return Find(revision) ?? throw ApiErrors.Expired("The provided resource version is too old to display a consistent list result.");
    }

    (StoreState State, ObjectKey? Start) Resume(string token)
    {
        var (revision, start) = ParseToken(token);
        if (revision < 0)
            return (store.State, start);
        return (Find(revision) ?? throw TooOld(start), start);
    }

    static ApiException TooOld(ObjectKey start)
    {
        var error = ApiErrors.Expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
            + "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
            + "Continuing with the provided token results in an inconsistent list.");
        error.Metadata["continue"] = Token(-1, start);
        return error;
    }

    StoreState? Find(long revision)
    {
        lock (_lock)
            return _snapshots.TryGetValue(revision, out var kept) && kept.Until > time.GetUtcNow() ? kept.State : null;
    }

    void Retain(StoreState state)
    {
        var now = time.GetUtcNow();
        lock (_lock)
        {
            _snapshots[state.Revision] = (state, now + Keep);
            foreach (var old in _snapshots.Where(pair => pair.Value.Until <= now).Select(pair => pair.Key).ToList())
                _snapshots.Remove(old);
            while (_snapshots.Count > MaxSnapshots)
                _snapshots.Remove(_snapshots.Keys.Min());
        }
    }

    static long Remaining(IEnumerable<StoredObject> all, ObjectKey last) => all.LongCount(item => Compare(item.Key, last) > 0);

    static int Compare(ObjectKey left, ObjectKey right) =>
        string.CompareOrdinal(left.Namespace, right.Namespace) is var order and not 0 ? order : string.CompareOrdinal(left.Name, right.Name);

    static string Token(long revision, ObjectKey last) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"v\":\"meta.k8s.io/v1\",\"rv\":{revision},\"start\":\"{last.Namespace}/{last.Name}\"}}"))
            .TrimEnd('=').Replace('+', '-').Replace('/', '_');

    static (long Revision, ObjectKey Start) ParseToken(string token)
    {
        try
        {
            var padded = token.Replace('-', '+').Replace('_', '/');
            var json = JsonReading.ParseObject(Convert.FromBase64String(padded.PadRight((padded.Length + 3) / 4 * 4, '=')));
            if (json.Int("rv") is { } revision && json.Str("start")?.Split('/') is [var ns, var name])
                return (revision, new ObjectKey(ns, name));
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            // Answered below.
        }

        throw ApiErrors.BadRequest("continue key is not valid: it does not come from this server");
    }
}

using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Framelease.LocalCluster.ApiServer.Tables;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Streams changes, one JSON object a line, until the client leaves, its time is up, or the server stops.</summary>
/// <param name="store">Where changes come from.</param>
/// <param name="time">For timeouts and bookmarks.</param>
/// <param name="stopping">Ends every watch cleanly.</param>
sealed class WatchHandler(ObjectStore store, TimeProvider time, CancellationToken stopping)
{
    const int Batch = 256;
    static readonly TimeSpan BookmarkEvery = TimeSpan.FromSeconds(50);
    static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(45);

    public async Task HandleAsync(HttpContext context, ResourceType type, string? ns, ListOptions options, Representation form)
    {
        var from = options.ParseRevision();
        var state = store.State;
        if (from > state.Revision)
            throw ApiErrors.RevisionTooLarge(from.Value, state.Revision);
        var watch = new WatchStream(context.Response.BodyWriter, type, ns, options, form, time);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        await context.Response.StartAsync(context.RequestAborted);

        var after = from ?? state.Revision;
        // Without a revision, and when asked for, the watch begins with what is there.
        if (from is null || options.SendInitialEvents)
        {
            after = state.Revision;
            foreach (var item in state.List(type.Store, ns))
                watch.WriteInitial(item);
            if (options.SendInitialEvents && options.Bookmarks)
                watch.WriteBookmark(after, endsInitial: true);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var deadline = time.GetUtcNow() + (options.Timeout ?? DefaultTimeout);
        await StreamAsync(watch, context, type, options, after, deadline, ends.Token);
    }

    async Task StreamAsync(
        WatchStream watch, HttpContext context, ResourceType type, ListOptions options, long after, DateTimeOffset deadline, CancellationToken ends)
    {
        var changes = new List<StoreEvent>();
        var bookmarkAt = time.GetUtcNow() + BookmarkEvery;
        while (!ends.IsCancellationRequested)
        {
            changes.Clear();
            if (!store.History.TryRead(type.Store, ref after, changes, Batch, out var changed))
            {
                watch.WriteError(ApiErrors.Expired($"too old resource version: {after} ({store.History.Revision})"));
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
                return;
            }

            foreach (var change in changes)
                watch.Write(change);
            var now = time.GetUtcNow();
            if (options.Bookmarks && now >= bookmarkAt)
            {
                watch.WriteBookmark(after, endsInitial: false);
                bookmarkAt = now + BookmarkEvery;
            }

            if (watch.TakeUnflushed())
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            if (now >= deadline)
                break;
            if (changes.Count == 0)
                await WaitAsync(changed, Min(deadline, options.Bookmarks ? bookmarkAt : deadline) - now, ends);
        }

        if (options.Bookmarks && !context.RequestAborted.IsCancellationRequested)
        {
            watch.WriteBookmark(after, endsInitial: false);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
    }

    async Task WaitAsync(Task changed, TimeSpan most, CancellationToken ends)
    {
        try
        {
            await changed.WaitAsync(most < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : most, time, ends);
        }
        catch (Exception error) when (error is TimeoutException || (error is OperationCanceledException && ends.IsCancellationRequested))
        {
            // The loop looks at the clock and the token itself.
        }
    }

    static DateTimeOffset Min(DateTimeOffset left, DateTimeOffset right) => left < right ? left : right;
}

/// <summary>Writes the lines of one watch, and decides what a change means under its selectors.</summary>
sealed class WatchStream(IBufferWriter<byte> output, ResourceType type, string? ns, ListOptions options, Representation form, TimeProvider time)
{
    bool _dirty;
    bool _wroteHeadings;

    public void WriteInitial(StoredObject item)
    {
        if (options.Matches(item))
            Line("ADDED", item);
    }

    /// <summary>An object that begins to match is ADDED for this watcher, one that stops to match is DELETED.</summary>
    public void Write(StoreEvent change)
    {
        if (ns is not null && change.Object.Key.Namespace != ns)
            return;
        var matched = change.Previous is { } previous && options.Matches(previous);
        var matches = change.Type != StoreEventType.Deleted && options.Matches(change.Object);
        if (matches)
            Line(matched ? "MODIFIED" : "ADDED", change.Object);
        else if (matched)
            Line("DELETED", change.Type == StoreEventType.Deleted ? change.Object : Restamp(change));
    }

    /// <summary>The old state with the revision of the change that took it out of the selection.</summary>
    static StoredObject Restamp(StoreEvent change)
    {
        var tree = change.Previous!.Parse();
        tree.Ensure("metadata")["resourceVersion"] = change.Revision.ToString();
        return new StoredObject(change.Object.Resource, change.Object.Key, change.Revision, JsonWriting.ToUtf8(tree));
    }

    public void WriteBookmark(long revision, bool endsInitial)
    {
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(), ["creationTimestamp"] = null };
        if (endsInitial)
            metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var item = form.Form switch
        {
            RepresentationForm.Table => TableWriter.Bookmark(form, revision),
            RepresentationForm.Metadata => new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = form.ApiVersion, ["metadata"] = metadata },
            _ => new JsonObject { ["kind"] = type.Kind, ["apiVersion"] = type.ApiVersion, ["metadata"] = metadata },
        };
        Line("BOOKMARK", JsonWriting.ToUtf8(item));
    }

    public void WriteError(ApiException error) => Line("ERROR", JsonWriting.ToUtf8(error.ToStatus()));

    public bool TakeUnflushed()
    {
        var dirty = _dirty;
        _dirty = false;
        return dirty;
    }

    void Line(string kind, StoredObject item)
    {
        if (form.Form != RepresentationForm.Table)
        {
            Line(kind, form.One(item, type, time.GetUtcNow()));
            return;
        }

        // Only the first table of a watch carries the headings.
        var table = TableWriter.Table(form, type, item.Revision, [ObjectOperations.Serve(item, type)], time.GetUtcNow(), !_wroteHeadings);
        _wroteHeadings = true;
        Line(kind, JsonWriting.ToUtf8(table));
    }

    void Line(string kind, ReadOnlySpan<byte> item)
    {
        output.Write(Encoding.UTF8.GetBytes($"{{\"type\":\"{kind}\",\"object\":"));
        output.Write(item);
        output.Write("}\n"u8);
        _dirty = true;
    }
}

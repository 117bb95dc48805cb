using Framelease.Cli.Leases;
using Framelease.GpuWorker.Api;
using Framelease.Resources;
using Framelease.WorkerProtocol;

namespace Framelease.Benchmarks.Leases;

/// <summary>Who holds a granted lease, by the API that any program may use, on a connection of its own.</summary>
sealed class BenchHolder(IHolderApi api, string lease, Guid id)
{
    string _credential = "";
    long _sequence;

    /// <summary>Until the operator says that the lease is granted.</summary>
    public async Task WaitAsync(CancellationToken ct)
    {
        while (Value(await api.WaitAsync(new HolderWaitRequest("default", lease), ct)).Waits)
        {
            // its time was over
        }
    }

    public async Task AttachAsync(CancellationToken ct)
    {
        var request = new HolderAttachRequest("1.0.0", "default", lease, id.ToString(), null, "bench");
        _credential = Value(await api.AttachAsync(request, ct)).Credential;
    }

    public async Task BeatAsync(CancellationToken ct)
    {
        if (Value(await api.BeatAsync(_credential, new HolderBeatRequest(++_sequence), TimeSpan.FromSeconds(10), ct)).Command is not WorkerCommand.Continue)
            throw new InvalidOperationException($"the holder of lease {lease} is told to end");
    }

    public async Task ReleaseAsync(CancellationToken ct) =>
        Value(await api.ReleaseAsync(_credential, new HolderReleaseRequest("bench"), ct));

    static T Value<T>(ApiAnswer<T> answer)
        where T : class => answer is ApiAnswer<T>.Ok ok ? ok.Value : throw new InvalidOperationException($"the operator answered {answer}");
}

using System.Reflection;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Tests.Support;

public enum LinkState
{
    Up,

    /// <summary>Every call fails at once.</summary>
    Down,

    /// <summary>No call answers.</summary>
    Hangs,

    /// <summary>Calls are carried out, but their answers are lost.</summary>
    Deaf,
}

/// <summary>The way from one candidate or controller to a client, which can break.</summary>
public class Link : DispatchProxy
{
    IKubernetesClient _inner = null!;

    public LinkState State { get; set; }

    public static (IKubernetesClient Client, Link Link) Over(IKubernetesClient inner)
    {
        var client = Create<IKubernetesClient, Link>();
        var link = (Link)(object)client;
        link._inner = inner;
        return (client, link);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var isCall = typeof(Task).IsAssignableFrom(targetMethod!.ReturnType);
        if (isCall && State == LinkState.Hangs)
        {
            return typeof(Link).GetMethod(nameof(HangAsync), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(targetMethod.ReturnType.GenericTypeArguments[0]).Invoke(null, [args![^1]]);
        }

        if (isCall && State == LinkState.Down)
            throw Lost();
        try
        {
            var answer = targetMethod.Invoke(_inner, args);
            return isCall && State == LinkState.Deaf ? throw Lost() : answer;
        }
        catch (TargetInvocationException error)
        {
            throw error.InnerException!;
        }
    }

    static async Task<T> HangAsync<T>(CancellationToken ct)
    {
        await Task.Delay(Timeout.Infinite, ct);
        throw new InvalidOperationException();
    }

    static KubernetesException Lost() => new("no answer", new Status { Reason = KubernetesReasons.Unreachable });
}

using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store that calls a test before or after some of its calls, and waits until the test lets them go on.</summary>
internal sealed class HookedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    /// <summary>Gets the name of the call and the stream: before appends and waits, after an acquisition. The call throws what it
    /// throws.</summary>
    public Func<string, string, Task>? Before { get; set; }

    /// <summary>Called before a stream is opened.</summary>
    public Func<CancellationToken, Task>? BeforeOpen { get; set; }

    /// <summary>Called before a commit.</summary>
    public Func<StoreCommit, Task>? BeforeCommit { get; set; }

    /// <summary>Called after a commit. The caller gets what it throws instead of the answer.</summary>
    public Func<StoreCommit, Task>? AfterCommit { get; set; }

    /// <summary>Whether every call fails, as if the store could not be reached.</summary>
    public bool IsAway { get; set; }

    public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        if (BeforeOpen is { } before) await before(cancellation);
        return await base.OpenStreamAsync(stream, options, cancellation);
    }

    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        if (Before is { } before) await before(nameof(AppendAsync), request.Stream);
        return await base.AppendAsync(request, cancellation);
    }

    public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        AcquireResult result = await base.AcquireAsync(group, partition, request, cancellation);
        if (Before is { } before) await before(nameof(AcquireAsync), group.Stream);
        return result;
    }

    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        if (after >= 0 && Before is { } before) await before(nameof(WaitForChangeAsync), stream).WaitAsync(cancellation);
        return await base.WaitForChangeAsync(stream, after, cancellation);
    }

    public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        if (BeforeCommit is { } before) await before(commit);
        CommitResult result = await base.CommitAsync(commit, cancellation);
        if (AfterCommit is { } after) await after(commit);
        return result;
    }

    protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        => IsAway ? throw new StreamStoreException("The store is away, as the test wants.") : call();
}

using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store that tells a test of some calls before it makes them, and waits until the test lets them through.</summary>
internal sealed class HookedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    /// <summary>Told of the call and the stream: before appends and waits, behind a take. What it throws, the call throws.</summary>
    public Func<string, string, Task>? Before { get; set; }

    /// <summary>Told before a stream is opened.</summary>
    public Func<CancellationToken, Task>? BeforeOpen { get; set; }

    /// <summary>Told of a commit.</summary>
    public Func<StoreCommit, Task>? BeforeCommit { get; set; }

    /// <summary>Told of a commit that is done. What it throws, the caller gets instead of the answer.</summary>
    public Func<StoreCommit, Task>? AfterCommit { get; set; }

    /// <summary>Every call fails from now on, as that of a store that is away.</summary>
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

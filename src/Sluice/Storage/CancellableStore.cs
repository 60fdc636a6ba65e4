namespace Sluice.Storage;

/// <summary>
/// Wraps a store so that each call ends when its token is cancelled or the store is given up, even if the store does not answer.
/// </summary>
/// <remarks>
/// The inner call may continue: the store may or may not execute it, and the memory that it reads is not reused
/// (<see cref="EntryBatch.Detach"/>). Thread-safe, without locks. Allocates for an append, and for a call that the store does not answer at
/// once.
/// </remarks>
/// <param name="inner">The store.</param>
/// <param name="givenUp">Cancelled when the store is given up.</param>
internal sealed partial class CancellableStore(IStreamStore inner, CancellationToken givenUp) : IStreamStore
{
    public Durability Durability => inner.Durability;

    public StreamStoreCapabilities Capabilities => inner.Capabilities;

    public Type? TransactionType => inner.TransactionType;

    public int Generation => inner.Generation;

    public string? Loss => inner.Loss;

    public IStreamStore Root => inner.Root;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    public ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation)
    {
        EntryBatch entries = request.Entries;
        ValueTask<AppendResult> call = inner.AppendAsync(request with { Entries = entries.Lend() }, cancellation);
        return call.IsCompleted ? call : new(WithinAsync(call.AsTask(), cancellation, entries.Detach));
    }

    public ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation)
    {
        if (commit.Outputs.Count == 0 && commit.Derived is null) return Within(inner.CommitAsync(commit, cancellation), cancellation);
        StoreCommit lent = commit with
        {
            Outputs = [.. commit.Outputs.Select(output => output with { Entries = output.Entries.Lend() })],
            Derived = commit.Derived?.Lend()
        };
        ValueTask<CommitResult> call = inner.CommitAsync(lent, cancellation);
        return call.IsCompleted ? call : new(WithinAsync(call.AsTask(), cancellation, () =>
        {
            foreach (CommitOutput output in commit.Outputs) output.Entries.Detach();
            commit.Derived?.Detach();
        }));
    }

    private ValueTask<T> Within<T>(ValueTask<T> call, CancellationToken cancellation)
        => call.IsCompleted ? call : new(WithinAsync(call.AsTask(), cancellation));

    private ValueTask Within(ValueTask call, CancellationToken cancellation)
    {
        return call.IsCompleted ? call : new(WithinAsync(DoneAsync(call), cancellation));

        static async Task<bool> DoneAsync(ValueTask call)
        {
            await call.ConfigureAwait(false);
            return true;
        }
    }

    private async Task<T> WithinAsync<T>(Task<T> call, CancellationToken cancellation, Action? abandoned = null)
    {
        Task<T> waited = cancellation.CanBeCanceled ? call.WaitAsync(cancellation) : call;
        try
        {
            return await (givenUp.CanBeCanceled ? waited.WaitAsync(givenUp) : waited).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!call.IsCompleted)
        {
            abandoned?.Invoke();
            Observe(call);
            Observe(waited);                         // it fails with the call
            throw;
        }

        static void Observe(Task<T> late) => _ = late.ContinueWith(static late => _ = late.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}

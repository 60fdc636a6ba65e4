namespace Sluice.Storage;

/// <summary>
/// Wraps a store so that each call ends when its token is cancelled or the store is given up, even if the store does not answer; and so
/// that a call fails only as the contract allows.
/// </summary>
/// <remarks>
/// <para>
/// The inner call may continue: the store may or may not execute it, and the memory that it reads is not reused
/// (<see cref="EntryBatch.Detach"/>). Thread-safe, without locks.
/// </para>
/// <para>
/// A store may let through what its driver throws: a cancellation that the caller has not asked for, which is a timeout, or the
/// <see cref="ObjectDisposedException"/> of a broken connection. Callers would take the first for their own, and the second for the end of
/// the store. Both become a <see cref="StreamStoreException"/> here, and so the call is repeated.
/// </para>
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
        return Within(() => inner.AppendAsync(request with { Entries = entries.Lend() }, cancellation), cancellation, entries.Detach);
    }

    public ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation)
    {
        if (commit.Outputs.Count == 0 && commit.Derived is null) return Within(() => inner.CommitAsync(commit, cancellation), cancellation);
        StoreCommit lent = commit with
        {
            Outputs = [.. commit.Outputs.Select(output => output with { Entries = output.Entries.Lend() })],
            Derived = commit.Derived?.Lend()
        };
        return Within(() => inner.CommitAsync(lent, cancellation), cancellation, () =>
        {
            foreach (CommitOutput output in commit.Outputs) output.Entries.Detach();
            commit.Derived?.Detach();
        });
    }

    private ValueTask Within(Func<ValueTask> begin, CancellationToken cancellation)
    {
        return new(Within(DoneAsync, cancellation).AsTask());

        async ValueTask<bool> DoneAsync()
        {
            await begin().ConfigureAwait(false);
            return true;
        }
    }

    private ValueTask<T> Within<T>(Func<ValueTask<T>> begin, CancellationToken cancellation, Action? abandoned = null)
    {
        Task<T> call;
        try
        {
            ValueTask<T> begun = begin();
            if (begun.IsCompletedSuccessfully) return begun;
            call = begun.AsTask();
        }
        catch (Exception e)
        {
            call = Task.FromException<T>(e);
        }
        return new(AsAllowedAsync(call, abandoned, cancellation));
    }

    private async Task<T> AsAllowedAsync<T>(Task<T> call, Action? abandoned, CancellationToken cancellation)
    {
        try
        {
            return await WithinAsync(call, abandoned, cancellation).ConfigureAwait(false);
        }
        catch (StoreRolledBackException e)
        {
            e.Store ??= Root;
            throw;
        }
        catch (ObjectDisposedException e) when (e is not ClosedStoreException)
        {
            if (await IsClosedAsync(cancellation).ConfigureAwait(false)) throw;
            throw Failed(e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested && !givenUp.IsCancellationRequested)
        {
            throw Failed(e);
        }
        catch (Exception e) when (e is not (OperationCanceledException or SluiceException or ArgumentException or ObjectDisposedException))
        {
            throw Failed(e);
        }
    }

    /// <summary>Whether the store was disposed: then each call says so. So it is taken to be if it was given up.</summary>
    private async Task<bool> IsClosedAsync(CancellationToken cancellation)
    {
        try
        {
            // Without the token: a store that was disposed says so at once.
            await WithinAsync(inner.GetTimeAsync(CancellationToken.None).AsTask(), null, cancellation).ConfigureAwait(false);
            return false;
        }
        catch (Exception e)
        {
            if (e is ObjectDisposedException || givenUp.IsCancellationRequested) return true;
            cancellation.ThrowIfCancellationRequested();
            return false;
        }
    }

    private static StreamStoreException Failed(Exception cause) => new($"The store has failed: {FailureText.Of(cause)}", cause)
    {
        IsPermanent = cause is NotSupportedException or NotImplementedException
    };

    private async Task<T> WithinAsync<T>(Task<T> call, Action? abandoned, CancellationToken cancellation)
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

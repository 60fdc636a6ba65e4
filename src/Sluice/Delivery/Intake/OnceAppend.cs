namespace Sluice.Delivery;

/// <summary>One append under a name that is used once. All its items are accepted, or none; a repetition under the name gets the outcome of
/// the first append.</summary>
/// <remarks>The name is a producer of the stream, with epoch zero and the number one. The store forgets it when its window is over
/// (docs/adr/0021). Thread-safe.</remarks>
internal sealed class OnceAppend(ConsecutorCore core)
{
    private const int Tries = 5;
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

    // Twice as long as an append without an answer is repeated. The store has a row for each request of this time.
    private static readonly TimeSpan WindowWithoutKey = TimeSpan.FromMinutes(5);

    /// <param name="entries">The entries to append; the caller disposes them.</param>
    /// <param name="options">The idempotency key, its fingerprint, and how long to wait.</param>
    /// <param name="cancellation">Gives up waiting for room. An append that has begun goes on and is answered.</param>
    public async Task<SendResult> SendAsync(EntryBatch entries, SendOptions options, CancellationToken cancellation)
    {
        var request = new AppendRequest(core.Name, NameOf(options), 0, 1, entries)
        {
            ForgetAfter = options.IdempotencyKey is null ? WindowWithoutKey : options.IdempotencyWindow,
            Position = options.Fingerprint.IsEmpty ? null : options.Fingerprint,
        };
        long until = options.Until(core.Time);
        core.Sends.BeginAppend();
        try
        {
            await core.Accepting.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
            try
            {
                return await AppendAsync(request, until, cancellation).ConfigureAwait(false);
            }
            finally
            {
                core.Accepting.Leave();
            }
        }
        catch (NoRoomException full)
        {
            return new(SendStatus.Full, 0) { RetryAfter = full.RetryAfter };
        }
        catch (OperationCanceledException) when (core.Lifetime.Token.IsCancellationRequested)
        {
            throw core.Lifetime.Over();
        }
        catch (Exception e) when (core.Lifetime.EndIfClosed(e))
        {
            throw core.Lifetime.StoreClosed((ObjectDisposedException)e);
        }
        finally
        {
            core.Sends.EndAppend();
        }
    }

    private static string NameOf(SendOptions options) => options.IdempotencyKey is { } key ? $"$key/{key}" : $"$once/{Guid.NewGuid():N}";

    private async Task<SendResult> AppendAsync(AppendRequest request, long until, CancellationToken cancellation)
    {
        RoomWait? room = null;
        bool hasTurn = false, isLast = false;
        try
        {
            return await AppendAsync(request, WaitAsync, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (hasTurn) core.RoomTurns.Release();
            room?.Dispose();
        }

        async Task WaitAsync(AppendResult full)
        {
            room ??= new(core.Identity, core.Store, core.Accepting, core.Sends, core.Lifetime);
            if (isLast || core.Time.GetTimestamp() >= until) throw new NoRoomException { RetryAfter = full.RetryAfter };
            if (hasTurn)
            {
                await room.WaitAsync(full, until, cancellation: cancellation).ConfigureAwait(false);
                return;
            }
            Task<bool> turn = core.RoomTurns.TryTakeAsync(until, core.Lifetime.Token, cancellation);
            await core.Accepting.WaitOutsideAsync(turn).ConfigureAwait(false);
            hasTurn = await turn.ConfigureAwait(false);
            isLast = !hasTurn;                       // it asks once more: those with a turn may need more room than there is
        }
    }

    private async Task<SendResult> AppendAsync(AppendRequest request, Func<AppendResult, Task> waitAsync, CancellationToken cancellation)
    {
        TimeSpan wait = FirstWait;
        Doubt? doubt = null;                         // since the store may have accepted the items, and has not said so
        bool hasFailed = false, isOver = false;      // a try without an answer may still reach the store, also behind later ones
        for (int tried = 1; ; tried++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                await core.OpenAsync(core.Lifetime.Token).ConfigureAwait(false);
                if (doubt?.HasLasted(request.ForgetAfter / 2) == true) throw new StreamStoreException(
                    $"The store has not answered an append to {core.Name} for so long that it may have forgotten it: whether the items "
                        + "were accepted is not known.");
                doubt ??= new(core.Time);
                AppendResult result = await SendAsync(request).ConfigureAwait(false);
                if (result.Status != AppendStatus.Full) return Answer(request, result);
                if (!hasFailed) doubt = null;
                try
                {
                    await waitAsync(result).ConfigureAwait(false);
                }
                catch (NoRoomException full) when (hasFailed)
                {
                    isOver = true;
                    throw new StreamStoreException($"The stream of {core.Name} is full, and the store has not answered an earlier try of "
                        + "this append: whether the items were accepted is not known.", full);
                }
                tried = 0;                           // a full stream is no failure
                continue;
            }
            catch (StreamStoreException) when (isOver || doubt?.HasLasted(request.ForgetAfter / 2) == true)
            {
                throw;
            }
            catch (StreamStoreException e) when ((tried < Tries || core.Recovery.IsRecovering)
                && !core.Lifetime.Token.IsCancellationRequested)
            {
                hasFailed = true;
                // The append keeps its name, so it cannot be accepted twice. During a recovery of lost data, no try is counted.
                if (core.Recovery.IsRecovering || (tried == Tries - 1 && await core.Recovery.NoticeAsync(e).ConfigureAwait(false)))
                    tried = 0;
            }
            await core.Accepting.WaitOutsideAsync(RetryPause.WaitAsync(wait, core.Time, core.Lifetime.Token)).ConfigureAwait(false);
            if (wait < MaxWait) wait *= 2;
        }
    }

    private async Task<AppendResult> SendAsync(AppendRequest request)
    {
        try
        {
            return await core.Store.AppendAsync(request, core.Lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            core.Doubts.Add();                           // the store may have accepted the items, and the ledger has not counted them
            throw;
        }
    }

    private SendResult Answer(AppendRequest request, AppendResult result)
    {
        switch (result.Status)
        {
            case AppendStatus.Accepted:
                core.Ledger.Accept(request.Entries.Count);
                return new(SendStatus.Accepted, request.Entries.Count);
            case AppendStatus.Duplicate when result.Last == request.LastSequence && IsSame(request.Position ?? default, result.Position):
                return new(SendStatus.Repeated, result.Last);
            case AppendStatus.Duplicate or AppendStatus.Gap:
                return new(SendStatus.Conflict, 0);
            case AppendStatus.Ended:
                throw AppendAnswer.Ended(core.Identity, core.Stream);
            default:
                throw new StreamStoreException(
                    $"The store has refused an append of {request.Producer} to {core.Name}: another producer has that name, which "
                        + $"must be unique. The items were not accepted.");
        }
    }

    /// <summary>The time for which an append has had no answer. Timestamps stand still while a machine sleeps, and the wall clock may be
    /// set: either may say that it was long.</summary>
    private sealed class Doubt(TimeProvider time)
    {
        private readonly long began = time.GetTimestamp();
        private readonly DateTimeOffset beganAt = time.GetUtcNow();

        public bool HasLasted(TimeSpan? limit) => time.GetElapsedTime(began) >= limit || time.GetUtcNow() - beganAt >= limit;
    }

    private static bool IsSame(ReadOnlyMemory<byte> given, ReadOnlyMemory<byte> recorded)
        => given.IsEmpty || recorded.IsEmpty || given.Span.SequenceEqual(recorded.Span);
}

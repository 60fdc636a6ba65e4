using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>Batches on their way to the store. One loop appends them, one after the other.</content>
internal sealed partial class Appender<T>
{
    /// <summary>
    /// Gathers further items before an append. The senders of the previous append are about to send again; as long as more of them do, they
    /// get another pass through the thread pool. Otherwise the first sender would have an append of its own, and the others would wait for
    /// it.
    /// </summary>
    private async Task GatherAsync(int expected)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // leave a context that may be the sender's
        for (int before = -1, count = 0; before < count && count < expected; before = count)
        {
            await PoolPass.TakeAsync().ConfigureAwait(false);        // queue behind the senders
            lock (sync) count = filling.Entries.Count;
        }
    }

    private static readonly TimeSpan MaxWaitAsWhole = TimeSpan.FromSeconds(1);

    private int most = int.MaxValue;                 // entries of the next try; the loop's

    /// <remarks>A stream without room for all entries may have room for some. If only all of them were tried, a large append would wait
    /// for ever beside small ones, which take each place that gets free. So once it has waited for a while, each refusal halves what is
    /// tried, and each success doubles it. (Not at once: one large append costs the store less than many.) An append whose answer was lost
    /// is repeated under its number, so the store knows whether it was accepted. Opening the producer anew would tell too, but would fence
    /// off a later owner of its name: only a sender that is told that the stream is full does so, if a try may still arrive.</remarks>
    private async Task AppendAsync(AppendBatch batch)
    {
        if (failure is not null) throw new InvalidOperationException(
            $"An earlier append has failed: {failure.Message} What came after it was not accepted.", failure);
        await core.Accepting.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        RoomWait? room = null;
        bool isUnsure = false;                       // whether the store may have accepted the batch as it is
        bool isOver = false;                         // whether no other try may follow
        bool hasFailed = false;                      // a try without an answer may still reach the store, also behind later ones
        try
        {
            AppendBatch part = batch;
            long first = 0, refusedAt = 0;
            ReadOnlyMemory<byte>? position = null;
            TimeSpan wait = FirstWait;
            ReopenAfterRest();
            for (int tried = 1; ; tried++)
            {
                try
                {
                    if (!isOpen) await OpenAsync(isInside: true, core.Lifetime.Token).ConfigureAwait(false);
                    if (first == 0 || last < first - 1) first = last + 1;          // lower: the store went back
                    if (!isUnsure && !LeaveOutWithdrawn(batch)) return;
                    // The same at each try: a try whose answer was lost may have stored it.
                    if (!isUnsure) part = batch.First(most);
                    position ??= part.Mark ?? Position?.Invoke(part);
                    bool isCycleFull = part.Entries.Count > 0
                        && await core.Outputs.IsCycleFullAsync(core.Lifetime.Token).ConfigureAwait(false);
                    isUnsure |= !isCycleFull;
                    if ((isCycleFull ? new(AppendStatus.Full, last, null) { RetryAfter = FirstWait }
                        : await TryAppendAsync(part, first, position).ConfigureAwait(false)) is { } full)
                    {
                        if (hasFailed && batch.Until <= core.Time.GetTimestamp())
                        {
                            // Senders have no more time. The new epoch refuses a late try: otherwise it would be accepted after its sender
                            // was told that it is not, and the next item would pass for its repetition.
                            (long own, isOpen) = (epoch, false);
                            await OpenAsync(isInside: true, core.Lifetime.Token).ConfigureAwait(false);
                            if (epoch != own + 1)
                            {
                                isOver = true;       // another opening came between: its numbers say nothing of this batch
                                throw new StreamStoreException($"The stream {core.Name} is full, and the store has not answered an earlier "
                                    + "try of this append: whether the items were accepted is not known.");
                            }
                            if (last >= LastOf(part, first))
                            {
                                if (position is { } stored) Stored?.Invoke(stored);
                                if (Accept(batch, part, first, hasFailed)) return;
                                (part, first) = (batch, 0);          // the rest was not tried, and the stream is full
                            }
                            hasFailed = false;
                        }
                        isUnsure = hasFailed;
                        if (!isUnsure) position = null;
                        if (refusedAt == 0) refusedAt = core.Time.GetTimestamp();
                        if (!isUnsure && !isCycleFull && first != 0
                            && (!ReferenceEquals(part, batch) || core.Time.GetElapsedTime(refusedAt) >= MaxWaitAsWhole))
                            most = Math.Max(1, part.Entries.Count / 2);
                        if (!RefuseLate(batch, full, isUnsure)) return;
                        room ??= new(core.Identity, core.Store, core.Accepting, core.Sends, core.Lifetime);
                        await WaitForRoomAsync(room, batch, full, isUnsure).ConfigureAwait(false);
                        tried = 0;                   // a full stream is no failure
                        continue;
                    }
                    if (Accept(batch, part, first, hasFailed)) return;
                    (position, isUnsure, hasFailed, tried, first, wait) = (null, false, false, 0, 0, FirstWait);
                    continue;
                }
                catch (StreamStoreException e) when (!isOver && (tried < Tries || core.Recovery.IsRecovering)
                    && !core.Lifetime.Token.IsCancellationRequested)
                {
                    if (e is StoreRolledBackException) isUnsure = hasFailed;       // the store has answered, and refused this try
                    hasFailed |= isUnsure;
                    if (e is StoreRolledBackException)
                    {
                        await WentBackAsync(losses, e.Message, e, isInside: true).ConfigureAwait(false);
                        isOpen = false;
                    }
                    else if (core.Recovery.IsRecovering || (tried == Tries - 1 && await core.Recovery.NoticeAsync(e).ConfigureAwait(false)))
                    {
                        // Recovery begins once the items in flight have ended, which takes any time: until then no try is counted, and
                        // this append does not hold up the recovery.
                        isOpen = false;
                        tried = 0;
                    }
                }
                await core.Accepting.WaitOutsideAsync(RetryPause.WaitAsync(wait, core.Time, core.Lifetime.Token)).ConfigureAwait(false);
                wait = wait < MaxWait ? wait * 2 : wait;
            }
        }
        finally
        {
            room?.Dispose();
            core.Accepting.Leave();
        }
    }

    private static long LastOf(AppendBatch batch, long first) => first + Math.Max(1, batch.Entries.Count) - 1;

    /// <summary>Notes that the store has accepted a part of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="part">The part.</param>
    /// <param name="first">The number of its first item.</param>
    /// <param name="mayBeCounted">Whether the answer to an earlier try was lost: a recount in the pause may have found the items.</param>
    /// <returns>Whether it was all of it.</returns>
    private bool Accept(AppendBatch batch, AppendBatch part, long first, bool mayBeCounted)
    {
        int count = part.Entries.Count;
        last = LastOf(part, first);
        NoteAppend();
        core.Ledger.Accept(count);
        if (mayBeCounted) core.Doubts.Add();         // behind it, so that no recount has settled the doubt
        // Whole groups may be fewer than `most`. A batch that has fewer tells nothing of the room behind it.
        bool isPart = !ReferenceEquals(part, batch);
        if (isPart || count >= most) most = (int)Math.Min(int.MaxValue, 2L * Math.Max(most, count));
        if (!isPart) return true;
        core.Telemetry.Sent(0, count);
        batch.AcceptFirst(count);
        return false;
    }

    /// <returns>Whether anything is left to append.</returns>
    private bool LeaveOutWithdrawn(AppendBatch batch)
    {
        AppendBatch.EndWithdrawn(batch.LeaveOutWithdrawn(serializer as IPayloadHandles));
        return !batch.IsEmpty;
    }

    /// <returns>Null if the append was accepted; otherwise the answer that the stream is full.</returns>
    private async Task<AppendResult?> TryAppendAsync(AppendBatch batch, long first, ReadOnlyMemory<byte>? position)
    {
        IReadOnlyList<BatchChange> changes = Batch is null ? [] : [Batch.Change() with { Accepted = batch.Entries.Count }];
        AppendResult result = await core.Store.AppendAsync(
            new(core.Name, producer, epoch, first, batch.Entries)
            {
                Position = position,
                Batches = changes,
                ForgetAfter = Window
            }, core.Lifetime.Token).ConfigureAwait(false);
        if (AppendAnswer.IsFull(core.Identity, core.Stream, producer, Position is not null, result, first)) return result;
        if (position is { } stored) Stored?.Invoke(stored);
        return null;
    }
}

namespace Sluice;

// The row that a store keeps of a producer, where no later start uses the producer's name. Locking rule: that of the appender; `appendedAt` and `mayBeForgotten` belong to the appending loop.
internal sealed partial class Appender<T>
{
    // No resend of this process comes after that: an append is tried five times.
    private static readonly TimeSpan WindowOfSender = TimeSpan.FromDays(1);

    // When a sender has ended, what its connection still carries arrives within that time, or never.
    private static readonly TimeSpan WindowOfEnded = TimeSpan.FromMinutes(10);

    private (long Timestamp, DateTimeOffset Wall)? appendedAt;        // of the last append that was accepted
    private bool mayBeForgotten;
    private Ending? ending;                          // under the lock; that is asked for

    /// <summary>Whether the name is used by no later start, so that the store may forget the producer. Set before anything is added.</summary>
    public bool IsEphemeral { get; set; }

    private TimeSpan? Window => IsEphemeral ? WindowOfSender : null;

    /// <summary>Tells the store that this producer has ended: the store forgets it soon. If the last append has failed, the store forgets the producer after its window. Throws nothing. Once, when nothing is sent any more.</summary>
    /// <param name="cancellation">Gives up.</param>
    public Task EndAsync(CancellationToken cancellation)
    {
        bool begins;
        Ending one;
        lock (sync)
        {
            if (!IsEphemeral || appendedAt is null) return Task.CompletedTask;
            ending = one = new(cancellation);
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return one.Done.Task;
    }

    // By the appending loop.
    private async Task TellEndAsync()
    {
        Ending one = ending!;
        try
        {
            using var nothing = new EntryBatch();
            if (isOpen)
                await core.Store.AppendAsync(new(core.Name, producer, epoch, last + 1, nothing) { Position = ReadOnlyMemory<byte>.Empty, ForgetAfter = WindowOfEnded }, one.Cancellation).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The window of its last append ends by itself.
        }
        isOpen = false;                              // should somebody send nevertheless, it is opened anew
        lock (sync) ending = null;
        one.Done.TrySetResult();
    }

    private void NoteAppend()
    {
        if (IsEphemeral) (appendedAt, mayBeForgotten) = ((core.Time.GetTimestamp(), core.Time.GetUtcNow()), false);
    }

    // Before an append that was never sent: a producer that has rested for long is opened anew, as the store may have forgotten it. Timestamps stand still while a machine sleeps, and the wall clock may be set:
    // either may say that it was long, because opening once too often costs one call.
    private void ReopenAfterRest()
    {
        if (appendedAt is not { } at || (core.Time.GetElapsedTime(at.Timestamp) < WindowOfSender / 2 && core.Time.GetUtcNow() - at.Wall < WindowOfSender / 2)) return;
        (isOpen, mayBeForgotten) = (false, true);
    }

    // Whether the store has not lost the producer, but forgotten it.
    private bool IsForgotten() => mayBeForgotten && last == 0;

    /// <summary>A producer that resumes must do so: what was accepted since the place that the store knows would be lost, although it could be read again.</summary>
    private async Task WentBackAsync(int known, string how, Exception? cause, bool isInside)
    {
        if (core.Losses.Count == known) core.Losses.WentBack(how);            // else others have noticed it since this producer was opened
        losses = core.Losses.Count;
        Task renewed = core.Losses.RenewedAsync(core.Life);
        await (isInside ? core.Accepting.WaitOutsideAsync(renewed) : renewed).ConfigureAwait(false);
        if (Position is null) return;
        last = 0;
        throw new InvalidOperationException(
            $"The store has lost items of the producer '{producer}' that it had accepted. {how} Run the producer again: it goes on where the store knows that it was.", cause);
    }

    private sealed class Ending(CancellationToken cancellation)
    {
        public CancellationToken Cancellation => cancellation;
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using System.Diagnostics;

namespace Sluice.Delivery;

// Senders with a time limit are refused at their own time, whatever the append in front of them waits for. The appending loop refuses
// them, behind an answer of the store that the stream is full, and no timer belongs to a sender. Locking rule: as in the appender.
internal sealed partial class Appender<T>
{
    private TaskCompletionSource? hurry;             // ends the loop's wait for room; null while it does not wait; under the lock
    private long waitsUntil;                         // the time at which that wait ends; under the lock
    private TimeSpan? retryAfter;                    // of the last answer that the stream is full; under the lock

    /// <summary>Whether the next append has no room. Takes the lock only if there seems to be none.</summary>
    private bool IsFull(SendHandle? handle, out Task room)
    {
        room = Task.CompletedTask;
        if (!filling.IsFull) return false;
        lock (sync) return IsFullNow(handle, out room);
    }

    // Under the lock. A sender that gets no place makes the loop look at its time nevertheless.
    private bool IsFullNow(SendHandle? handle, out Task room)
    {
        room = filling.Started.Task;
        if (!filling.IsFull) return false;
        if (handle is null) return true;
        if (hurry is not null && handle.Until <= core.Time.GetTimestamp()) throw new NoRoomException { RetryAfter = retryAfter };
        Heed(handle.Until);
        return true;
    }

    // Under the lock.
    private void Heed(long until)
    {
        if (until < filling.Until) filling.Until = until;
        if (until < waitsUntil) hurry?.TrySetResult();
    }

    /// <summary>Waits until there may be room, or a sender has no more time.</summary>
    private async Task WaitForRoomAsync(RoomWait room, AppendBatch batch, AppendResult full, bool isUnsure)
    {
        var hurried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long until;
        lock (sync) (hurry, waitsUntil) = (hurried, until = Math.Min(batch.Until, filling.Until));
        try
        {
            await room.WaitAsync(full, until, isUnsure ? null : batch.Woken, hurried.Task, Full, Abandoned).ConfigureAwait(false);
        }
        finally
        {
            lock (sync) hurry = null;
        }
    }

    /// <summary>Refuses the senders whose time is over. The store has just answered that the stream is full.</summary>
    /// <returns>Whether anything is left to append.</returns>
    private bool RefuseLate(AppendBatch batch, AppendResult full, bool isUnsure)
    {
        long now = core.Time.GetTimestamp();
        if (!isUnsure)
        {
            Tell(batch.TakeLate(now, out _));
            if (!LeaveOutWithdrawn(batch)) return false;             // those behind it get a try of their own
        }
        List<SendHandle>? behind;
        List<Activity>? withdrawn = null;
        lock (sync)
        {
            retryAfter = full.RetryAfter;
            bool wasFull = filling.IsFull;
            behind = filling.TakeLate(now, out bool hasLate);
            if (behind is not null) withdrawn = filling.LeaveOutWithdrawn(serializer as IPayloadHandles);
            if (wasFull && hasLate) filling.LetIn();                 // also those without a place find out that their time is over
        }
        AppendBatch.EndWithdrawn(withdrawn);
        Tell(behind);
        return true;

        void Tell(List<SendHandle>? late) => late?.ForEach(handle => handle.Refuse(full.RetryAfter));
    }
}

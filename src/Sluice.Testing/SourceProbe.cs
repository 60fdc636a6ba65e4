using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Sluice.Testing;

/// <summary>A source that the test feeds by hand; it shows how the pipeline takes items.</summary>
/// <remarks>
/// Thread-safe. One run at a time. It holds any number of pushed items; the items that stay show the pipeline's backpressure.
/// </remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class SourceProbe<T>
{
    private readonly Lock gate = new();
    private readonly Queue<T> queue = new();
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? asked;       // the pipeline waits for an item
    private TaskCompletionSource? demand;            // the test waits for the pipeline to ask
    private Exception? failure;
    private string? silence;                         // why the pipeline asks for nothing; null if it may
    private bool ended;
    private bool running;

    /// <summary>Creates a probe.</summary>
    public SourceProbe() => Source = Sluice.Source.From(ItemsAsync());

    /// <summary>The source.</summary>
    public Source<T> Source { get; }

    /// <summary>The number of pushed items that the pipeline has taken.</summary>
    public long Taken { get; private set; }

    /// <summary>The number of pushed items that the pipeline has not taken.</summary>
    public int Queued
    {
        get
        {
            lock (gate) return queue.Count;
        }
    }

    /// <summary>Whether the pipeline is waiting for an item.</summary>
    public bool IsWanted
    {
        get
        {
            lock (gate) return asked is not null;
        }
    }

    /// <summary>
    /// Completes when the pipeline stops the source in its first run: by a drain, a cancellation, a failure, or a Take. It does not
    /// complete if the source has ended before, or if the run stopped before its first request.
    /// </summary>
    public Task Stopped => stopped.Task;

    /// <summary>Adds items for the pipeline to take.</summary>
    /// <param name="items">The items. One item that is null is <c>Push([null])</c>.</param>
    /// <exception cref="ArgumentNullException">There is null in place of the items: <c>Push(null)</c>, or no item at all.</exception>
    /// <exception cref="InvalidOperationException">The probe has completed or failed.</exception>
    public void Push(params ReadOnlySpan<T> items)
    {
        if (Unsafe.IsNullRef(ref MemoryMarshal.GetReference(items)))
            throw new ArgumentNullException(nameof(items),
                "Push was given null, and no items. To push an item that is null: Push([null]).");
        lock (gate)
        {
            if (ended) throw new InvalidOperationException("The probe has been completed; nothing can be pushed any more.");
            foreach (T item in items) queue.Enqueue(item);
        }
        Answer();
    }

    /// <summary>Ends the source after the pushed items.</summary>
    public void Complete() => End(null);

    /// <summary>Fails the source after the pushed items.</summary>
    public void Fail(Exception cause) => End(cause ?? throw new ArgumentNullException(nameof(cause)));

    /// <summary>Completes when the pipeline has taken all items and asks for more. On a seeded scheduler, drive it first.</summary>
    /// <exception cref="InvalidOperationException">The probe was completed, or the run has stopped it or has ended, and no other run has
    /// begun.</exception>
    public Task WaitForDemandAsync(CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (asked is not null) return Task.CompletedTask;
            if (silence is not null) return Task.FromException(new InvalidOperationException(silence));
            demand ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return demand.Task.WaitAsync(cancellation);
        }
    }

    private void End(Exception? cause)
    {
        lock (gate)
        {
            if (ended) return;
            (ended, failure) = (true, cause);
        }
        Answer();
        FallSilent("The probe was completed, so the pipeline does not ask for more items.");
    }

    private void FallSilent(string why)
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            silence ??= why;
            waiting = demand;
            demand = null;
        }
        if (waiting is null) return;
        waiting.TrySetException(new InvalidOperationException(why));
        _ = waiting.Task.Exception;                  // observed, also if the test has given up its wait
    }

    private void Answer()
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            waiting = asked;
            asked = null;
        }
        waiting?.TrySetResult();
    }

    private void Stop()
    {
        stopped.TrySetResult();
        Answer();
        FallSilent("The run has stopped the probe, so it does not ask for more items.");
    }

    private async IAsyncEnumerable<T> ItemsAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (running) throw new InvalidOperationException("The probe is the source of another run. One run at a time.");
            running = true;
            if (!ended) silence = null;
        }
        using CancellationTokenRegistration stop = cancellation.UnsafeRegister(static probe => ((SourceProbe<T>)probe!).Stop(), this);
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                if (TryTake(out T? item, out Task? push)) yield return item;
                else if (push is not null) await push;
                else break;
            }
            if (failure is not null && !cancellation.IsCancellationRequested) ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            lock (gate) running = false;
            if (cancellation.IsCancellationRequested) stopped.TrySetResult();       // the callback may not have run yet
            FallSilent("The run has ended, so it does not ask for more items.");
        }
    }

    /// <returns>False if there is no item: wait for <paramref name="push"/>, or end if it is null.</returns>
    private bool TryTake([MaybeNullWhen(false)] out T item, out Task? push)
    {
        TaskCompletionSource? waiting;
        lock (gate)
        {
            push = null;
            if (queue.TryDequeue(out item))
            {
                Taken++;
                return true;
            }
            if (ended) return false;
            push = (asked ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            waiting = demand;
            demand = null;
        }
        waiting?.TrySetResult();
        return false;
    }
}

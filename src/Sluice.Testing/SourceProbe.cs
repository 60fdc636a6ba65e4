using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Sluice.Testing;

/// <summary>A source that the test feeds by hand, and that tells how the pipeline takes from it.</summary>
/// <remarks>Any thread. One run at a time. Holds any number of pushed items: what is not taken shows the pipeline's backpressure.</remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public sealed class SourceProbe<T>
{
    private readonly Lock gate = new();
    private readonly Queue<T> queue = new();
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? asked;       // the pipeline waits for an item
    private TaskCompletionSource? demand;            // the test waits for the pipeline to ask
    private Exception? failure;
    private bool ended;
    private bool running;

    /// <summary>Makes a probe.</summary>
    public SourceProbe() => Source = Sluice.Source.From(ItemsAsync());

    /// <summary>The source.</summary>
    public Source<T> Source { get; }

    /// <summary>How many of the pushed items the pipeline has taken.</summary>
    public long Taken { get; private set; }

    /// <summary>How many of the pushed items the pipeline has not taken.</summary>
    public int Queued
    {
        get
        {
            lock (gate) return queue.Count;
        }
    }

    /// <summary>Whether the pipeline waits for an item at this moment.</summary>
    public bool IsWanted
    {
        get
        {
            lock (gate) return asked is not null;
        }
    }

    /// <summary>Ends when the pipeline has told the source that no more is wanted: a drain, a cancellation, a failure, a Take. Not when it has ended before, nor in a run that stopped before it asked for anything.</summary>
    public Task Stopped => stopped.Task;

    /// <summary>Adds items to those that the pipeline can take.</summary>
    /// <exception cref="InvalidOperationException">The probe has completed or failed.</exception>
    public void Push(params ReadOnlySpan<T> items)
    {
        lock (gate)
        {
            if (ended) throw new InvalidOperationException("The probe has been completed; nothing can be pushed any more.");
            foreach (T item in items) queue.Enqueue(item);
        }
        Answer();
    }

    /// <summary>The source ends behind what has been pushed.</summary>
    public void Complete() => End(null);

    /// <summary>The source fails behind what has been pushed.</summary>
    public void Fail(Exception cause) => End(cause ?? throw new ArgumentNullException(nameof(cause)));

    /// <summary>Ends when the pipeline has taken everything and asks for more. On a seeded scheduler, drive it first.</summary>
    public Task WaitForDemandAsync(CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (asked is not null) return Task.CompletedTask;
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
    }

    private async IAsyncEnumerable<T> ItemsAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (running) throw new InvalidOperationException("The probe is the source of another run. One run at a time.");
            running = true;
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
        }
    }

    /// <returns>False when there is nothing: wait for <paramref name="push"/>, or, when that is null, end.</returns>
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

using Sluice.Diagnostics;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Returns the items as an observable. Every subscription is a run of its own; unsubscribing cancels it.</summary>
    /// <remarks>A slow observer holds the run up. In single-thread mode, items come before <c>Subscribe</c> returns,
    /// so a source without an end needs multi-thread mode: nobody can unsubscribe before that.</remarks>
    /// <param name="source">The source.</param>
    /// <param name="options">The options of the run; by default multi-threaded.</param>
    /// <exception cref="ArgumentException">The options name outputs but have no <c>OnStarted</c>, so that no caller has the run to read
    /// them from.</exception>
    public static IObservable<T> ToObservable<T>(this Source<T> source, RunOptions? options = null)
        => new RunObservable<T>(NotNull(source), RunOptions.OfHiddenRun(options ?? new()));
}

internal sealed class RunObservable<T>(Source<T> source, RunOptions options) : IObservable<T>
{
    public IDisposable Subscribe(IObserver<T> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        var subscription = new Subscription(observer);
        subscription.Follow(source.To(new ActionSink<T>(subscription.OnNext, "calls one observer")).Start(options));
        return subscription;
    }

    /// <summary>Calls the observer: never two calls at a time, and none after it has been disposed.</summary>
    private sealed class Subscription(IObserver<T> observer) : IDisposable
    {
        private volatile bool disposed;
        private PipelineRun? run;

        public void OnNext(T item)
        {
            if (!disposed) observer.OnNext(item);
        }

        public void Follow(PipelineRun run)
        {
            this.run = run;
            _ = FollowAsync(run);
        }

        public void Dispose()
        {
            disposed = true;
            run?.Cancel();
        }

        private async Task FollowAsync(PipelineRun run)
        {
            await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (disposed) return;
            try
            {
                if (run.Completion.IsFaulted) observer.OnError(run.Completion.Exception.InnerException!);
                else if (run.Completion.IsCanceled) observer.OnError(new OperationCanceledException("The run was cancelled."));
                else observer.OnCompleted();
            }
            catch (Exception e)                      // an observer without a handler of errors rethrows them
            {
                Warnings.Tell($"An observer has thrown when it was told how its run has ended: {e.Message}");
            }
        }
    }
}

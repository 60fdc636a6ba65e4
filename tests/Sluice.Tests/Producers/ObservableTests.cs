using Sluice.Testing;

namespace Sluice.Tests.Producers;

public class ObservableTests
{
    private readonly Subject subject = new();
    private readonly SinkProbe<int> sink = new();

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ItemsOfAnObservableArriveInOrderAndItsErrorFailsTheRun(ExecutionMode mode)
    {
        PipelineRun run = (Source.From(subject) | sink.Sink).Start(mode);
        IObserver<int> observer = await subject.Subscribed;
        for (int i = 0; i < 100; i++) observer.OnNext(i);
        observer.OnError(new FormatException("broken"));
        Assert.Equal("'source-1' failed: broken", (await Assert.ThrowsAsync<PipelineException>(() => run.Completion)).Message);
        Assert.Equal(Enumerable.Range(0, 100), sink.Items);
        await subject.Unsubscribed;
    }

    [Fact]
    public void AnObserverThatThrowsAtTheEndOfARunCausesAWarning()
    {
        using var warned = new WarningListener();
        (Source.From([1]) | (n => n > 0 ? throw new FormatException("an observer has not handled this") : n))
            .ToObservable(new RunOptions { Mode = ExecutionMode.SingleThread }).Subscribe(new Rethrows());
        Assert.Contains(warned.Texts, static text => text.Contains("an observer has not handled this", StringComparison.Ordinal));
    }

    private sealed class Rethrows : IObserver<int>
    {
        public void OnNext(int value) { }

        public void OnCompleted() { }

        public void OnError(Exception error) => throw error;
    }

    [Fact]
    public async Task AnObservableThatIsTooFastFailsTheRunByDefault()
    {
        sink.Block();
        PipelineRun run = (Source.From(subject, capacity: 2) | sink.Sink).Start();
        IObserver<int> observer = await subject.Subscribed;
        observer.OnNext(0);
        await sink.HeldAsync();
        for (int i = 1; i <= 3; i++) observer.OnNext(i);
        sink.Release();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Contains("2 items wait already. Raise the capacity, or say FullMode.Block or FullMode.DropOldest.", failure.Message,
            StringComparison.Ordinal);
        Assert.Equal([0, 1, 2], sink.Items);
    }

    /// <summary>A crawler: the pushing function is the one that would make the room.</summary>
    [Fact]
    public async Task AFunctionThatWaitsForRoomInTheObservableOfItsOwnRunIsReported()
    {
        using var warnings = new WarningListener();
        var clock = new TestClock();
        IObserver<int>? pushes = null;
        Pipeline crawler = Source.From(subject, FullMode.Block, capacity: 1) | Stage.Named("found links") | ((int depth) =>
        {
            if (depth > 0) return;
            pushes!.OnNext(1);
            pushes.OnNext(2);
        });
        PipelineRun run = crawler.Start(new RunOptions { Time = clock });
        pushes = await subject.Subscribed;
        pushes.OnNext(0);
        for (var seconds = new Rounds(1_000_000); Said().Length == 0;)
        {
            Assert.True(await seconds.GoOnAsync(), "Nothing is said.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.StartsWith("OnNext of the observable of 'found links' has waited for room for 5 seconds, and was called by a function of "
            + "the run", Assert.Single(Said()), StringComparison.Ordinal);
        Assert.True(await run.StopAsync());

        string[] Said() => [.. warnings.Texts.Where(static text => text.Contains("found links", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task AnErrorThatIsNullFailsTheRun()
    {
        PipelineRun run = (Source.From(subject) | sink.Sink).Start();
        (await subject.Subscribed).OnError(null!);
        Assert.Contains("has not said why", (await Assert.ThrowsAsync<PipelineException>(() => run.Completion)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task DropOldestDropsAndCountsTheOldestItems()
    {
        sink.Block();
        PipelineRun run = (Source.From(subject, FullMode.DropOldest, capacity: 2) | sink.Sink).Start();
        IObserver<int> observer = await subject.Subscribed;
        observer.OnNext(0);
        await sink.HeldAsync();
        for (int i = 1; i <= 5; i++) observer.OnNext(i);
        observer.OnCompleted();
        sink.Release();
        await run.Completion;
        Assert.Equal([0, 4, 5], sink.Items);
        Assert.Equal(3, run.Snapshot()["source-1"].Skipped);
    }

    [Fact]
    public async Task BlockMakesTheThreadOfTheObservableWaitForRoom()
    {
        Source<int> everything = Source.From(new Cold(10_000), FullMode.Block, capacity: 4);
        Assert.Equal(Enumerable.Range(0, 10_000), await everything.ToListAsync());
        var failure = await Assert.ThrowsAsync<PipelineException>(() =>
            everything.ToListAsync(new RunOptions { Mode = ExecutionMode.SingleThread }));
        Assert.Contains("on the run's own thread", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADrainUnsubscribesAndProcessesTheItemsReceivedBefore()
    {
        sink.Block();
        PipelineRun run = (Source.From(subject) | sink.Sink).Start();
        IObserver<int> observer = await subject.Subscribed;
        observer.OnNext(0);
        observer.OnNext(1);
        Task<bool> drained = run.StopAsync();
        observer.OnNext(2);
        sink.Release();
        Assert.True(await drained);
        await subject.Unsubscribed;
        Assert.Equal([0, 1], sink.Items);
    }

    [Fact]
    public async Task EachSubscriptionToASourceStartsARun()
    {
        IObservable<int> items = Source.From(Enumerable.Range(0, 100)).Select(n => n == 50 ? throw new FormatException("fifty") : n)
            .ToObservable();
        foreach (Recorder recorder in new[] { new Recorder(), new Recorder() })
        {
            using IDisposable subscription = items.Subscribe(recorder);
            Assert.IsType<PipelineException>(await recorder.Ended);
            Assert.Equal(Enumerable.Range(0, 50), recorder.Items);
        }
        var whole = new Recorder();
        using IDisposable end = Source.From([1, 2]).ToObservable().Subscribe(whole);
        Assert.Null(await whole.Ended);
        Assert.Equal([1, 2], whole.Items);
    }

    [Fact]
    public async Task UnsubscribingCancelsTheRun()
    {
        var source = new SourceProbe<int>();
        var recorder = new Recorder();
        IDisposable subscription = source.Source.ToObservable().Subscribe(recorder);
        source.Push(1);
        await source.WaitForDemandAsync();
        subscription.Dispose();
        await source.Stopped;
        Assert.Equal([1], recorder.Items);
        Assert.False(recorder.Ended.IsCompleted);
    }

    private sealed class Subject : IObservable<int>
    {
        private readonly TaskCompletionSource<IObserver<int>> subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource unsubscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IObserver<int>> Subscribed => subscribed.Task;

        public Task Unsubscribed => unsubscribed.Task;

        public IDisposable Subscribe(IObserver<int> observer)
        {
            subscribed.SetResult(observer);
            return new Subscription(unsubscribed);
        }

        private sealed class Subscription(TaskCompletionSource disposed) : IDisposable
        {
            public void Dispose() => disposed.TrySetResult();
        }
    }

    /// <summary>Pushes all its items during the subscription.</summary>
    private sealed class Cold(int count) : IObservable<int>, IDisposable
    {
        public IDisposable Subscribe(IObserver<int> observer)
        {
            for (int i = 0; i < count; i++) observer.OnNext(i);
            observer.OnCompleted();
            return this;
        }

        public void Dispose() { }
    }

    private sealed class Recorder : IObserver<int>
    {
        private readonly TaskCompletionSource<Exception?> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<int> Items { get; } = [];

        public Task<Exception?> Ended => ended.Task;

        public void OnCompleted() => ended.SetResult(null);

        public void OnError(Exception error) => ended.SetResult(error);

        public void OnNext(int value) => Items.Add(value);
    }
}

using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Policies;

/// <summary>A backoff that asks the failure whether it is retried, and how long it waits, wherever there are retries.</summary>
public class RetriedFailuresTests
{
    private static readonly TimeSpan Asked = TimeSpan.FromSeconds(30);
    private static readonly Backoff Temporary = Backoff.None.When(static e => e is IOException);
    private static readonly Backoff Thrown = Backoff.None.When(static e => throw new FormatException("no idea"));

    private int attempts;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public enum Place { NoStore, Store, State, }

    [Fact]
    public void BothFunctionsAreAskedAndTheLongerWaitCounts()
    {
        Backoff backoff = Temporary.When(static e => e.Message != "no").AtLeast(static _ => TimeSpan.FromSeconds(2))
            .AtLeast(static e => e.Message.Length > 3 ? TimeSpan.FromSeconds(e.Message.Length) : null).AtLeast(static _ => -Asked);
        Assert.Equal((true, 2), Ask(backoff, new IOException("yes")));
        Assert.Equal((true, 5), Ask(backoff, new IOException("later")));
        Assert.False(Ask(backoff, new IOException("no")).IsRetried);
        Assert.False(Ask(backoff, new FormatException("yes")).IsRetried);
        Assert.Equal(49 * 86400, Ask(Backoff.None.AtLeast(static _ => TimeSpan.MaxValue), new IOException()).Seconds);

        static (bool IsRetried, double Seconds) Ask(Backoff backoff, Exception failure)
            => (backoff.Retries(ref failure, out TimeSpan least), least.TotalSeconds);
    }

    [Fact]
    public async Task AStageRetriesOnlyWhatTheBackoffAllows()
    {
        await using PipelineRun run = (Source.From(["io", "format", "thrown"]) | Fail
            | Stage.Retry(2, Backoff.None.When(IsTemporary)).OnError(ErrorPolicy.DeadLetter)
            | (_ => { })).Start();
        await run.Completion;
        Assert.Equal([3, 1, 1], run.DeadLetters.Select(static letter => letter.Attempts));
        Assert.IsType<IOException>(run.DeadLetters[0].Exception);
        Assert.IsType<FormatException>(run.DeadLetters[1].Exception);
        Assert.Contains("A function of the Backoff has thrown ArgumentException: no idea for this failure: thrown",
            run.DeadLetters[2].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AListWhoseFailureIsNotRetriedIsDividedAtOnce()
    {
        var lists = new List<int>();
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 8)).Chunk(8) | ((int[] list) =>
        {
            lists.Add(list.Length);
            return list.Contains(5) ? throw new FormatException("five") : list.Length;
        }) | Stage.Retry(2, Temporary).Bisect.OnError(ErrorPolicy.DeadLetter) | (_ => { })).Start();
        await run.Completion;
        Assert.Equal([8, 4, 4, 2, 1, 1, 2], lists);
        Assert.Equal(1, Assert.Single(run.DeadLetters).Attempts);
    }

    [Fact]
    public async Task AStageWaitsAsLongAsTheFailureAsks()
    {
        var clock = new TestClock();
        Task running = (Source.From(["io"]) | (text => attempts > 0 ? text : Fail(text))
            | Stage.Retry(2, Backoff.None.AtLeast(static _ => Asked)) | (_ => { })).RunAsync(new() { Time = clock }, Cancellation);
        await WaitsAsync(clock, running);
        Assert.Equal(1, attempts);
    }

    [Theory]
    [InlineData("io", 3)]
    [InlineData("format", 1)]
    public async Task AStepAndANodeRetryOnlyWhatTheBackoffAllows(string what, int expected)
    {
        var step = Step.Of<string, string>(Fail).Retry(2, Temporary);
        await Assert.ThrowsAnyAsync<Exception>(async () => await step(what));
        Assert.Equal(expected, attempts);
        attempts = 0;
        GraphBuilder<string> builder = Graph.For<string>();
        builder.Add("fail", Fail).Retry(2, Temporary);
        await Assert.ThrowsAsync<NodeFailedException>(async () => await builder.Build().ResolveAsync(what, Cancellation));
        Assert.Equal(expected, attempts);
    }

    [Fact]
    public async Task AStepWhoseBackoffThrowsFailsWithBoth()
    {
        var step = Step.Of<string, string>(Fail).Retry(2, Thrown);
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () => await step("io"));
        Assert.Contains("FormatException: no idea for this failure: io", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, attempts);
    }

    [Theory]
    [InlineData(Place.NoStore)]
    [InlineData(Place.Store)]
    [InlineData(Place.State)]
    public async Task AConsecutorReplaysOnlyWhatTheBackoffAllows(Place place)
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<string> work = Work(place, store, Backoff.None.When(IsTemporary), TimeProvider.System);
        await work.StartAsync(Cancellation);
        foreach (string item in (string[])["io", "format", "thrown", "good"]) await work.SendAsync(item, Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        var letters = new List<DeadLetter>();
        await foreach (DeadLetter letter in work.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        letters.Sort(static (one, other) => string.CompareOrdinal(one.Error, other.Error));
        Assert.Equal([1, 3, 1], letters.Select(static letter => letter.Attempts));
        Assert.Equal(["FormatException: format", "IOException: io"], letters.Take(2).Select(static letter => letter.Error));
        Assert.StartsWith("InvalidOperationException: A function of the Backoff has thrown ArgumentException: no idea for this failure: "
            + "thrown", letters[2].Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Place.NoStore)]
    [InlineData(Place.Store)]
    [InlineData(Place.State)]
    public async Task AConsecutorWaitsAsLongAsTheFailureAsks(Place place)
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<string> work = Work(place, store, Backoff.None.AtLeast(static _ => Asked), clock);
        await work.StartAsync(Cancellation);
        await work.SendAsync("once", Cancellation);
        await WaitsAsync(clock, work.WaitForIdleAsync(Cancellation));
        Assert.Equal(1, attempts);
    }

    private Consecutor<string> Work(Place place, MemoryStreamStore store, Backoff backoff, TimeProvider clock)
    {
        return new("work", source => place == Place.State ? WithState(source) : source.ForEach(text => Count(0, text)), new()
        {
            Store = place == Place.NoStore ? null : store,
            Delivery = DeliveryGuarantee.Replay(2, backoff),
            Run = new() { Time = clock },
            Stream = new() { Partitions = 1 },
        });

        Pipeline WithState(Source<string> source) => (source.Scan(0, Count) | Stage.Named("count")).ForEach(static _ => { });
    }

    private static bool IsTemporary(Exception e) => e.Message == "thrown" ? throw new ArgumentException("no idea") : e is IOException;

    private int Count(int count, string text) => text == "good" || (text == "once" && attempts > 0) ? count + 1 : Fail(text).Length;

    private string Fail(string text)
    {
        attempts++;
        throw text == "io" ? new IOException(text) : new FormatException(text);
    }

    private async Task WaitsAsync(TestClock clock, Task ends)
    {
        DateTimeOffset begin = clock.GetUtcNow();
        while (!ends.IsCompleted)
        {
            if (Volatile.Read(ref attempts) > 0) clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await ends;
        Assert.InRange(clock.GetUtcNow() - begin, Asked, TimeSpan.MaxValue);
    }
}

using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Dashboard.Html;
using Sluice.Dashboard.Pages;
using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>A look of many calls, at a store that answers each of them soon.</summary>
public sealed class LongLookTests : IAsyncDisposable
{
    private const int Consecutors = 40, Partitions = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AStoreThatAnswersEachCallOfALongLookIsNotSilent()
    {
        for (int i = 0; i < Consecutors; i++) await AddAsync($"c{i:00}");
        StoreSampler sampler = null!;
        List<Task<StoreSample>> meanwhile = [];
        var far = new WatchedStore(store);
        sampler = new(new("store", far), new() { Time = clock });
        long began = clock.GetTimestamp();
        far.Before = _ =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            // The patience is over, so the sampler says at once what it has.
            if (clock.GetElapsedTime(began) > Patience) meanwhile.Add(sampler.LookAsync(Patience, Cancellation));
        };
        StoreSample first = await sampler.LookAsync(TimeSpan.FromMinutes(1), Cancellation);
        Assert.True(clock.GetElapsedTime(began) > TimeSpan.FromSeconds(5), $"The look took {clock.GetElapsedTime(began)}.");
        StoreSample[] seen = await Task.WhenAll(meanwhile);
        Assert.True(seen.Length > 100);
        Assert.DoesNotContain(seen, static one => one.IsSilent || one.Problem is not null);
        // The streams are shown before their members and oldest items are known.
        Assert.Equal((Consecutors, 0), (seen[0].Streams.Count, seen[0].Groups.Count));
        Assert.Equal((Consecutors, GroupDetails.Max), (first.Streams.Count, first.Groups.Count));
    }

    [Fact]
    public async Task AStoreThatStopsInTheMiddleOfALookIsSilent()
    {
        for (int i = 0; i < Consecutors; i++) await AddAsync($"c{i:00}");
        var far = new WatchedStore(store);
        var sampler = new StoreSampler(new("store", far), new() { Time = clock });
        int calls = 0;
        var hangs = new TaskCompletionSource();
        far.Before = _ =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            if (++calls != 200) return;
            far.Stop();
            hangs.SetResult();
        };
        Task<StoreSample> look = sampler.LookAsync(TimeSpan.FromMinutes(1), Cancellation);
        await hangs.Task;
        clock.Advance(TimeSpan.FromSeconds(4));
        StoreSample sample = await sampler.LookAsync(Patience, Cancellation);
        Assert.True(sample.IsSilent);
        Assert.StartsWith("The store has not answered for 4.", sample.Problem, StringComparison.Ordinal);
        far.Before = null;
        far.GoOn();
        Assert.Null((await look).Problem);
    }

    /// <summary>The reads of one group take longer than a store may be silent.</summary>
    [Fact]
    public async Task EachReadOfAGroupIsAnAnswer()
    {
        await AddAsync("c");
        List<Task<StoreSample>> meanwhile = [];
        var far = new WatchedStore(store);
        var sampler = new StoreSampler(new("store", far), new() { Time = clock });
        far.Before = name =>
        {
            if (name != "ReadAsync") return;
            clock.Advance(TimeSpan.FromMilliseconds(400));
            if (far.CallsOf(name) > 3) meanwhile.Add(sampler.LookAsync(Patience, Cancellation));
        };
        await sampler.LookAsync(TimeSpan.FromMinutes(1), Cancellation);
        StoreSample[] seen = await Task.WhenAll(meanwhile);
        Assert.Equal(Partitions - 3, seen.Length);
        Assert.DoesNotContain(seen, static one => one.IsSilent || one.Problem is not null);
    }

    /// <summary>The first look behind an outage may take long, and each of its calls is answered.</summary>
    [Fact]
    public async Task AStoreThatIsBackAnswersFromTheFirstAnswerOn()
    {
        for (int i = 0; i < Consecutors; i++) await AddAsync($"c{i:00}");
        var far = new WatchedStore(store);
        var sampler = new StoreSampler(new("store", far), new() { Time = clock });
        await sampler.LookAsync(Patience, Cancellation);
        far.Failure = new IOException("refused");
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("refused", (await sampler.LookAsync(Patience, Cancellation)).Problem);
        far.Failure = null;
        clock.Advance(TimeSpan.FromMinutes(2));
        List<Task<StoreSample>> meanwhile = [];
        long began = clock.GetTimestamp();
        far.Before = _ =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(20));
            if (clock.GetElapsedTime(began) > Patience) meanwhile.Add(sampler.LookAsync(Patience, Cancellation));
        };
        await sampler.LookAsync(TimeSpan.FromMinutes(1), Cancellation);
        StoreSample[] seen = await Task.WhenAll(meanwhile);
        Assert.True(seen.Length > 50);
        Assert.DoesNotContain(seen, static one => one.Problem is not null);
    }

    [Fact]
    public async Task BeforeTheFirstLookTheStreamsAreNotSaidToBeNone()
    {
        var sample = new Sample([new(new("store", store), [], new Dictionary<string, Diagnostics.StreamLook>(),
            new Dictionary<GroupId, GroupDetail>(), null, null)], [], [], []);
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        Page page = await StreamsPage.DrawAsync(new(context, "/sluice", sample, null!, new(), MayChange: false));
        Assert.Contains("They are known after the first look at the store.", page.Parts[0].Content.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALookAsksForGroupsAndTheirPartitionsTogether()
    {
        await AddAsync("a");
        await AddAsync("b");
        var all = new AllAtOnce(store, "ReadAsync", 2 * 4);
        StoreSample sample = await new StoreSampler(new("store", all), new() { Time = clock }).LookAsync(Patience, Cancellation);
        Assert.Equal(2, sample.Groups.Values.Count(static one => one.Oldest is not null));
    }

    [Theory]
    [InlineData(null, null, "A store was not looked at yet.")]
    [InlineData("away", null, "A store does not answer.")]
    [InlineData("away", "a graph cannot be made", "A store does not answer. 1 graph does not work.")]
    [InlineData(null, "a graph cannot be made", "1 graph does not work.")]
    public void TheFirstLineNamesTheStoreFirst(string? problem, string? graphs, string said)
    {
        var sample = new Sample([new(new("store", store), [], new Dictionary<string, Diagnostics.StreamLook>(),
            new Dictionary<GroupId, GroupDetail>(), null, problem)], [], [], [])
        { GraphProblem = graphs };
        Assert.Contains($"</strong> {said}</p>", OverviewSummary.Draw(sample, []).ToString(), StringComparison.Ordinal);
    }

    private async Task AddAsync(string name)
    {
        await store.OpenStreamAsync(name, new() { Partitions = Partitions }, Cancellation);
        await store.AddGroupAsync(new(name, name), cancellation: Cancellation);
        using var entries = new EntryBatch();
        for (int i = 0; i < 20 * Partitions; i++) entries.Add("1"u8, EntryKey.Of($"{i}"));
        await store.AppendAsync(new(name, "p", 0, 1, entries), Cancellation);
    }

    // Answers the calls of one kind when there are as many as there should be.
    private sealed class AllAtOnce(IStreamStore inner, string kind, int count) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int calls;

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (name != kind) return await call();
            if (Interlocked.Increment(ref calls) == count) all.SetResult();
            await all.Task.WaitAsync(Cancellation);
            return await call();
        }
    }
}

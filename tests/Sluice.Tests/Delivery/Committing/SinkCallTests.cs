using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The methods of a sink beside its preparation throw, do not return, or call the consecutor.</summary>
public class SinkCallTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended.</remarks>
    [Fact]
    public async Task AFailureAfterACommitIsTold()
    {
        var warnings = new ConcurrentQueue<string>();
        await using var store = new MemoryStreamStore();
        var sink = new Calling { Committed = static number => number < 3 ? throw new IOException("The mail server is away.") : default };
        await using Consecutor<int> work = New(store, sink, warnings);
        await work.StartAsync(Cancellation);
        for (int i = 1; i <= 4; i++)
        {
            await work.SendAsync(i, Cancellation);
            await work.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal([1, 2, 3, 4], sink.Written);
        Assert.Equal((4, 0, ConsecutorStatus.Running), (work.Snapshot().Completed, work.Snapshot().Dead, work.Snapshot().Status));
        Assert.Equal("The sink written of the consecutor work has failed after a commit, which stays applied: IOException: The mail server "
            + "is away.", Assert.Single(warnings));
    }

    /// <remarks>Regression: the other sink kept its file, and the partitions were not given back.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASinkThatCannotEndKeepsNothingFromBeingGivenBack(bool hangs)
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var other = new Calling();
        var never = new TaskCompletionSource();
        var sink = new Calling { Ending = () => hangs ? new(never.Task) : throw new IOException("The connection is broken.") };
        await using var work = new Consecutor<int>("work", source => source
            | [s => s | (Sink.Commit(() => sink) | Stage.Named("a")), s => s | (Sink.Commit(() => other) | Stage.Named("b"))],
            Member.Options("one", store, clock) with { OnWarning = static _ => { } });
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        Task<bool> stopped = work.StopAsync(cancellation: Cancellation);
        while (!stopped.IsCompleted)
        {
            if (hangs && other.HasEnded) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        await stopped;
        Assert.True(other.HasEnded);
        Assert.True(work.Completion.IsFaulted);
        await Member.UntilAsync(() => Member.OwnersAsync(store).GetAwaiter().GetResult().StartsWith(':'));
    }

    /// <summary>A sink closes what it has closed before: its store was not disposed.</summary>
    [Fact]
    public async Task ASinkThatCannotEndIsNamed()
    {
        await using var store = new MemoryStreamStore();
        var sink = new Calling { Ending = static () => throw new ObjectDisposedException("StreamWriter") };
        var warnings = new ConcurrentQueue<string>();
        await using Consecutor<int> work = New(store, sink, warnings);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        await work.StopAsync(cancellation: Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => work.Completion);
        Assert.StartsWith("The sink written has failed at its end: ObjectDisposedException: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("The sink written has failed at its end", Assert.Single(warnings), StringComparison.Ordinal);
    }

    /// <remarks>Regression: the stop and the commit waited for each other.</remarks>
    [Theory]
    [InlineData("prepare", false)]
    [InlineData("prepare", true)]
    [InlineData("committed", false)]
    public async Task ASinkThatAwaitsItsConsecutorIsTold(string at, bool waits)
    {
        Consecutor<int> work = null!;
        Exception? told = null;
        await using var store = new MemoryStreamStore();
        var sink = new Calling
        {
            Preparing = () => at == "prepare" ? CallAsync() : default,
            Committed = _ => at == "committed" ? CallAsync() : default,
        };
        await using Consecutor<int> made = work = New(store, sink, []);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        if (waits) Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        else await work.Completion.WaitAsync(Cancellation);
        Assert.Contains("was called inside of one of its own handlers or sinks", Assert.IsType<InvalidOperationException>(told).Message,
            StringComparison.Ordinal);
        Assert.Equal([1], sink.Written);

        async ValueTask CallAsync()
        {
            if (told is not null) return;
            try
            {
                if (waits) await work.WaitForIdleAsync(Cancellation);
                else await work.StopAsync(cancellation: Cancellation);
            }
            catch (InvalidOperationException e)
            {
                told = e;
            }
        }
    }

    /// <summary>A sink may wait for another consecutor.</summary>
    [Fact]
    public async Task ASinkMayAwaitAnotherConsecutor()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> other = new("other", source => source | (static _ => { }), new() { Store = store });
        await other.StartAsync(Cancellation);
        var sink = new Calling { Preparing = async () => await other.WaitForIdleAsync(Cancellation) };
        await using Consecutor<int> work = New(store, sink, []);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        Assert.True(await work.StopAsync(cancellation: Cancellation));
    }

    private static Consecutor<int> New(MemoryStreamStore store, Calling sink, ConcurrentQueue<string> warnings)
        => new("work", source => source | (Sink.Commit(() => sink) | Stage.Named("written")),
            new() { Store = store, Process = new(), Stream = new() { Partitions = 1 }, OnWarning = warnings.Enqueue });

    private sealed class Calling : TransactionalSink<int>
    {
        private int commits;

        public List<int> Written { get; } = [];

        public Func<ValueTask> Preparing { get; init; } = static () => default;

        public Func<int, ValueTask> Committed { get; init; } = static _ => default;

        public Func<ValueTask> Ending { get; init; } = static () => default;

        public volatile bool HasEnded;

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override async ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            await Preparing();
            Written.AddRange(commit.Items.Select(static item => item.Value));
        }

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation) => Committed(++commits);

        protected override ValueTask EndAsync()
        {
            HasEnded = true;
            return Ending();
        }
    }
}

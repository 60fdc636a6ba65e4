using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A large append to a full stream beside small ones, which take each place that gets free.</summary>
public sealed class DividedAppendTests : IDisposable
{
    // A part is never divided below a group of sixteen.
    private const int Items = 90, Group = 16;

    private readonly TestClock clock = new();
    private readonly string path = Path.GetTempFileName();

    public DividedAppendTests() => File.WriteAllLines(path, Enumerable.Range(0, Items / 3).Select(static three => $"{three}"));

    public void Dispose() => File.Delete(path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly it was tried as a whole, for ever.</remarks>
    [Theory]
    [InlineData(How.Many)]
    [InlineData(How.Batch)]
    [InlineData(How.Sequence)]
    public async Task ItIsAcceptedInParts(How how)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = int.MaxValue })) await SendAsync(sending, how);
        Assert.Equal(Enumerable.Range(0, Items), await ReadAsync(inner));
    }

    /// <remarks>Formerly an append that the store has answered so was tried as a whole from then on.</remarks>
    [Fact]
    public async Task ItIsAcceptedInPartsAlsoByAStoreThatWentBack()
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = int.MaxValue, Gaps = 1 }))
            await SendAsync(sending, How.Many);
        Assert.Equal(Enumerable.Range(0, Items), await ReadAsync(inner));
    }

    [Fact]
    public async Task ACancelledSendSaysHowManyItemsAreAccepted()
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new NarrowStore(inner) { Left = 2 };
        await using (Consecutor<int> sending = Make(store))
        {
            using var giveUp = new CancellationTokenSource();
            Task send = sending.SendAllAsync([.. Enumerable.Range(0, Items)], giveUp.Token).AsTask();
            await AdvanceUntilAsync(() => store.Left == 0 && sending.Snapshot().Accepted >= 2 * Group);
            await giveUp.CancelAsync();
            var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send);
            Assert.StartsWith("The first 32 items that were sent to work are accepted", cancelled.Message, StringComparison.Ordinal);
        }
        Assert.Equal(Enumerable.Range(0, 2 * Group), await ReadAsync(inner));
    }

    /// <remarks>Some of them have no token, some can be withdrawn, or all have a time limit. Formerly all were told a failure.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EachSenderOfASharedAppendIsToldWhatBecameOfItsOwnItem(bool hasLimit)
    {
        await using var inner = new MemoryStreamStore(clock);
        using var giveUp = new CancellationTokenSource();
        var outcomes = new ConcurrentDictionary<int, bool>();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = 4, EndsThen = true, Begun = begun.Task }))
        {
            await SendOneAsync(0);
            Task[] all = [.. Enumerable.Range(1, Items).Select(SendOneAsync)];
            begun.SetResult();                       // all of them are in the next two appends
            await AdvanceUntilAsync(Task.WhenAll(all));

            Task SendOneAsync(int i) => TellAsync(i,
                hasLimit ? sending.TrySendAsync(i, new() { Timeout = TimeSpan.FromDays(1) }, Cancellation)
                : i % 2 == 0 ? sending.SendAsync(i).AsTask() : sending.SendAsync(i, giveUp.Token).AsTask());
        }
        int[] accepted = [.. (await ReadAsync(inner)).Order()];
        Assert.Equal(Enumerable.Range(0, accepted.Length), accepted);
        Assert.InRange(accepted.Length, 2 + (2 * Group), 1 + (3 * Group));     // the second append has one item or a few
        Assert.Equal(accepted, outcomes.Where(one => one.Value).Select(one => one.Key).Order());

        async Task TellAsync(int item, Task send)
        {
            await send.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            outcomes[item] = send.IsCompletedSuccessfully;
        }
    }

    [Fact]
    public async Task AClientIsToldTheFirstFrameThatIsNotAccepted()
    {
        await using var inner = new MemoryStreamStore(clock);
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        string refusal;
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = 2, EndsThen = true }))
        {
            PipelineRun run = (Source.Tcp(0, sending.Serializer, new()
            {
                Protocol = TcpProtocol.Framed,
                OnListening = listening.SetResult
            }) | sending).Start();
            using var client = new TcpClient();
            await client.ConnectAsync(await listening.Task, Cancellation);
            await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes("hello\n" + string.Concat(
                Enumerable.Range(0, Items).Select(static i => $"{i + 1} {i}\n"))), Cancellation);
            using var answers = new StreamReader(client.GetStream());
            Assert.Equal("hello 0", await answers.ReadLineAsync(Cancellation));
            Task<string> rest = answers.ReadToEndAsync(Cancellation);
            await AdvanceUntilAsync(rest);
            refusal = await rest;
            await run.DisposeAsync();
        }
        int accepted = (await ReadAsync(inner)).Length;
        Assert.InRange(accepted, 2, 2 * Group);
        Assert.Contains($"error {accepted + 1} ", refusal, StringComparison.Ordinal);        // behind "full", perhaps
    }

    /// <summary>An append has as many items as before once the stream has room again.</summary>
    /// <param name="refusals">How often the stream was full.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(12)]
    public async Task PartsGrowWhileThereIsRoom(int refusals)
    {
        const int Large = 2_500, Appends = 12;
        await using var inner = new MemoryStreamStore(clock);
        var store = new NarrowStore(inner) { Left = int.MaxValue, Refusals = refusals, Room = int.MaxValue };
        await using (var sending = new Consecutor<int>("work", static source => source | (static _ => { }),
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1, MaxItems = 1_000_000 } }))
            for (int i = 0; i < Appends; i++)
                await AdvanceUntilAsync(sending.SendAllAsync([.. Enumerable.Range(0, Large)], Cancellation).AsTask());
        Assert.Equal(Large, store.Sizes[^1]);
        Assert.Equal(Large * Appends, store.Sizes.Sum());
        Assert.InRange(store.Sizes.Count, Appends, Appends + 20);
    }

    /// <remarks>Each part has the position of its own last item, also in the middle of what the source has produced at once.</remarks>
    [Theory]
    [InlineData(How.Sequence, 1)]
    [InlineData(How.Sequence, 2)]
    [InlineData(How.Sequence, 3)]
    [InlineData(How.Function, 1)]
    [InlineData(How.Function, 3)]
    [InlineData(How.Lines, 1)]
    [InlineData(How.Lines, 3)]
    public async Task AProducerResumesBehindThePartThatWasAccepted(How how, int accepted)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = accepted, FailsThen = true }))
            await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(sending, how));
        await using (Consecutor<int> sending = Make(inner)) await SendAsync(sending, how);
        Assert.Equal(Enumerable.Range(0, Items), await ReadAsync(inner));
    }

    private async Task SendAsync(Consecutor<int> sending, How how)
    {
        switch (how)
        {
            case How.Many:
                await AdvanceUntilAsync(sending.SendAllAsync([.. Enumerable.Range(0, Items)], CancellationToken.None).AsTask());
                break;
            case How.Batch:
                await AdvanceUntilAsync((await sending.OpenBatchAsync("batch", Cancellation))
                    .SendAllAsync(Enumerable.Range(0, Items), Cancellation).AsTask());
                break;
            default:
                Source<int> threes = how switch
                {
                    How.Sequence => Source.Resumable("threes", Enumerable.Range(0, Items / 3)),
                    How.Function => Source.Resumable("threes", static (position, _) => Threes(position).ToAsyncEnumerable()),
                    _ => Source.ResumableLines("threes", path, static line => int.Parse(line.Text, CultureInfo.InvariantCulture), new()),
                };
                await using (PipelineRun run = (threes.SelectMany(static three => Enumerable.Range(3 * three, 3)) | sending)
                    .Start(new RunOptions { Time = clock }, cancellation: Cancellation))
                    await AdvanceUntilAsync(run.Completion);
                break;
        }
    }

    private async Task AdvanceUntilAsync(Task task)
    {
        await AdvanceUntilAsync(() => task.IsCompleted);
        await task;
    }

    // An append that has waited for a second is divided. While its thread stands still, the time limits of sends must not pass.
    private async Task AdvanceUntilAsync(Func<bool> isReached)
    {
        var rounds = new Rounds(1_000);
        while (!isReached())
        {
            Assert.True(await rounds.GoOnAsync(), "It is still at it.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
    }

    private static IEnumerable<WithPosition<int>> Threes(ReadOnlyMemory<byte> from)
    {
        for (int three = from.IsEmpty ? 0 : BitConverter.ToInt32(from.Span); three < Items / 3; three++)
            yield return new(three, BitConverter.GetBytes(three + 1));
    }

    private Consecutor<int> Make(IStreamStore store) => DividedWork.Make(clock, store);

    private Task<int[]> ReadAsync(IStreamStore store) => DividedWork.ReadAsync(clock, store);

    public enum How
    {
        Many,
        Batch,
        Sequence,
        Function,
        Lines,
    }
}

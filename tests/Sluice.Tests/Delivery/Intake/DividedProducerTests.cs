using System.Runtime.CompilerServices;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Producers whose appends are divided, and whose runs end between two parts.</summary>
public sealed class DividedProducerTests : IDisposable
{
    private const int Threes = 30;

    private readonly TestClock clock = new();
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A source that is told what is stored: the next run begins at the first three that was not accepted as a whole.</summary>
    /// <param name="accepted">The number of parts that are accepted.</param>
    /// <param name="isGone">Whether the source cannot make a three again that was accepted in part.</param>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public async Task WhatIsStoredNeverGoesBackAndPartsOfAnItemAreKnown(int accepted, bool isGone)
    {
        SourceProgress? known = null;
        int stored = 0, gone = -1;
        string? back = null;                         // asserted at the end: the first run is to fail anyway
        await using var inner = new MemoryStreamStore(clock);
        var narrow = new NarrowStore(inner) { Left = accepted, FailsThen = true, Appending = Look };
        await using (Consecutor<int> sending = Make(narrow))
            await DividedWork.DiesAsync(() => RunAsync(sending));
        int first = narrow.Sizes.Sum();
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = int.MaxValue, Appending = Look }))
            await RunAsync(sending);
        Assert.InRange(Read(known!.Stored), Threes - 1, Threes);     // the last one may not have ended before its append
        IEnumerable<int> expected = Enumerable.Range(0, 3 * Threes).Where(i => i < first || i / 3 != gone);
        Assert.Equal(expected, await ReadAsync(inner));
        Assert.Null(back);

        void Look()
        {
            if (known is null) return;
            int now = Read(known.Stored);
            if (now < stored) back = $"The stored position went from {stored} back to {now}.";
            stored = now;
        }

        Task RunAsync(Consecutor<int> sending) => this.RunAsync(
            Source.Acknowledged<int>("threes", "test", Produce).SelectMany(Three) | sending);

        async IAsyncEnumerable<WithPosition<int>> Produce(SourceProgress progress, [EnumeratorCancellation] CancellationToken cancellation)
        {
            known = progress;
            int start = Read(progress.Start);
            Assert.Equal(Math.Max(start, stored), start);
            if (narrow.Sizes.Count > 0)
            {
                int sum = narrow.Sizes.Sum();
                Assert.InRange(start, (sum - 1) / 3, sum / 3);
                Assert.Equal(3 * start < sum, progress.Interrupted is not null);
                if (isGone && progress.Interrupted is not null)
                {
                    progress.PassOverInterrupted();
                    gone = start++;
                }
            }
            for (int three = start; three < Threes; three++) yield return new(three, BitConverter.GetBytes(three + 1));
        }
    }

    /// <summary>An item that is still inside another branch is made again, and only the rest of it is accepted.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task ABranchBesideTheConsecutorChangesNothing(int accepted)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = accepted, FailsThen = true }))
            await DividedWork.DiesAsync(() => RunAsync(sending));
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = int.MaxValue })) await RunAsync(sending);
        Assert.Equal(Enumerable.Range(0, 3 * Threes), await ReadAsync(inner));

        Task RunAsync(Consecutor<int> sending) => this.RunAsync(Source.Acknowledged<int>("threes", "test",
            static (progress, _) => Enumerable.Range(Read(progress.Start), Threes - Read(progress.Start))
                .Select(static three => new WithPosition<int>(three, BitConverter.GetBytes(three + 1))).ToAsyncEnumerable())
            .SelectMany(Three) | [s => s | sending, s => s.Buffer(4) | SlowlyAsync]);

        static async Task SlowlyAsync(int item)
        {
            for (int i = 0; i < 20; i++) await Task.Yield();
        }
    }

    /// <remarks>Formerly they needed room for all at once, and had none for ever beside small appends.</remarks>
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task MalformedLinesAreBuriedInPartsEachOnce(int accepted)
    {
        const int Lines = 100;
        await File.WriteAllLinesAsync(path, Enumerable.Range(0, Lines).Select(static line => $"line {line}"), Cancellation);
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = accepted, FailsThen = true }))
        {
            if (accepted == int.MaxValue) await RunAsync(sending);
            else await DividedWork.DiesAsync(() => RunAsync(sending));
        }
        await using Consecutor<int> reading = Make(inner);
        await RunAsync(reading);
        await reading.StartAsync(Cancellation);
        await reading.WaitForIdleAsync(Cancellation);
        List<string> letters = [];
        await foreach (DeadLetter letter in reading.ListDeadLettersAsync(Cancellation))
            letters.Add(Encoding.UTF8.GetString(letter.Payload.Span));
        Assert.Equal(Enumerable.Range(0, Lines).Select(static line => $"line {line}"), letters);

        Task RunAsync(Consecutor<int> sending) => this.RunAsync(Source.ResumableLines<int>("lines", path,
            static _ => throw new FormatException("not a number"), new ResumableLinesOptions()) | sending);
    }

    private async Task RunAsync(Pipeline pipeline)
    {
        await using PipelineRun run = pipeline.Start(new RunOptions { Time = clock }, cancellation: Cancellation);
        while (!run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        await run.Completion;
    }

    private static IEnumerable<int> Three(int three) => Enumerable.Range(3 * three, 3);

    private static int Read(ReadOnlyMemory<byte> position) => position.IsEmpty ? 0 : BitConverter.ToInt32(position.Span);

    private Consecutor<int> Make(IStreamStore store) => DividedWork.Make(clock, store);

    private Task<int[]> ReadAsync(IStreamStore store) => DividedWork.ReadAsync(clock, store);
}

using System.Runtime.CompilerServices;
using System.Text;
using Sluice.Storage;

namespace Sluice.Tests.Producers;

/// <summary>A source that is told what is stored (<see cref="Source.Acknowledged"/>).</summary>
public class AcknowledgedTests
{
    [Fact]
    public async Task APositionIsToldOnceItsItemIsAcceptedAndTheNextRunBeginsThere()
    {
        List<string> told = [];
        await using var intake = new Intake();
        await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", Letters), 2);
        await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", Letters));
        Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
        Assert.Equal(["begins at ", "a", "begins at b", "c", "d"], told);

        async IAsyncEnumerable<WithPosition<string>> Letters(SourceProgress progress,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            string start = Encoding.UTF8.GetString(progress.Start.Span);
            told.Add($"begins at {start}");
            foreach (string letter in (string[])["a", "b", "c", "d"])
            {
                if (string.CompareOrdinal(letter, start) <= 0) continue;
                yield return new(letter, Encoding.UTF8.GetBytes(letter));
                await progress.StoreAsync(Encoding.UTF8.GetBytes(letter), cancellation);
                told.Add(Encoding.UTF8.GetString(progress.Stored.Span));
            }
        }
    }

    [Fact]
    public async Task APositionWithoutAnItemIsStoredBehindTheItemsBeforeIt()
    {
        await using var intake = new Intake();
        await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", Marked));
        string start = "";
        await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", (progress, _) =>
        {
            start = Encoding.UTF8.GetString(progress.Start.Span);
            return Enumerable.Empty<WithPosition<string>>().ToAsyncEnumerable();
        }));
        Assert.Equal("behind a", start);
        Assert.Equal(["a"], await intake.AcceptedAsync());

        async IAsyncEnumerable<WithPosition<string>> Marked(SourceProgress progress,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            Assert.True(progress.IsStored);
            yield return new("a", "a"u8.ToArray());
            await progress.StoreAsync("behind a"u8.ToArray(), cancellation);
            Assert.Equal("behind a", Encoding.UTF8.GetString(progress.Stored.Span));
        }
    }

    [Fact]
    public async Task APositionThatIsTooLongIsRefusedAndTheItemsBeforeItStay()
    {
        await using var intake = new Intake();
        PipelineException alone = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(
            Source.Acknowledged<string>("letters", "test", Alone)));
        Assert.Contains("The position has 1,901 bytes, and may have 1,900.", alone.ToString(), StringComparison.Ordinal);
        PipelineException item = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(
            Source.Acknowledged<string>("letters", "test", static (_, _) => new[] { new WithPosition<string>("b", new byte[1901]) }
                .ToAsyncEnumerable())));
        Assert.Contains("A position of the producer 'letters' has 1,901 bytes, and may have 1,900.", item.ToString(),
            StringComparison.Ordinal);
        Assert.Equal(["a"], await intake.AcceptedAsync());

        static async IAsyncEnumerable<WithPosition<string>> Alone(SourceProgress progress,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return new("a", "a"u8.ToArray());
            await progress.StoreAsync(new byte[1901], cancellation);
        }
    }

    // An item of which the stages behind the source make two, and one was accepted when the run stopped.
    [Theory]
    [InlineData(false, "a1 a2 b1 b2")]
    [InlineData(true, "a1 b1 b2")]
    public async Task AnItemThatWasAcceptedInPartIsMadeAgainOrPassedOver(bool isGone, string accepted)
    {
        await using var intake = new Intake();
        await intake.AcceptAsync(Doubled(isGone: false), 1);
        await intake.AcceptAsync(Doubled(isGone));
        Assert.Equal(accepted, string.Join(' ', await intake.AcceptedAsync()));

        static Source<string> Doubled(bool isGone) => Source.Acknowledged<string>("letters", "test", (progress, _) =>
        {
            Assert.True(progress.Start.IsEmpty);
            if (isGone) progress.PassOverInterrupted();
            return (isGone ? "b" : "ab").Select(static letter => new WithPosition<string>($"{letter}",
                Encoding.UTF8.GetBytes($"{letter}"))).ToAsyncEnumerable();
        }).SelectMany(static letter => (IEnumerable<string>)[$"{letter}1", $"{letter}2"]);
    }

    /// <summary>
    /// A log of items and of positions without items. The process dies after any number of outputs, again and again: each output is
    /// accepted once, in order, and the stored position never goes back.
    /// </summary>
    [Fact]
    public async Task PositionsWithoutItemsLoseNothingOfAnItemThatWasAcceptedInPart()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            int[] outputs = [.. Enumerable.Range(0, 30).Select(_ => random.Next(-2, 4))];      // below 0: a position without an item
            string[] expected = [.. outputs.SelectMany(static (count, at) => Enumerable.Range(0, Math.Max(count, 0))
                .Select(part => $"{at}.{part}"))];
            await using var intake = new Intake();
            int stored = 0;
            for (bool isOver = false; !isOver;)
            {
                int made = 0, most = random.Next(1, 6);
                await intake.AcceptAsync(Source.Acknowledged<int>("log", "test", Log).SelectMany(Outputs), most);
                isOver = made < most;

                async IAsyncEnumerable<WithPosition<int>> Log(SourceProgress progress,
                    [EnumeratorCancellation] CancellationToken cancellation)
                {
                    int start = Read(progress.Start);
                    Assert.True(start >= stored, $"Seed {seed}: from {stored} back to {start}.");
                    if (random.Next(2) == 0) await progress.StoreAsync(BitConverter.GetBytes(start), cancellation);
                    for (int at = start; at < outputs.Length; at++)
                    {
                        byte[] behind = BitConverter.GetBytes(at + 1);
                        if (outputs[at] >= 0) yield return new(at, behind);
                        else await progress.StoreAsync(behind, cancellation);
                        stored = Math.Max(stored, Read(progress.Stored));
                    }
                }

                IEnumerable<string> Outputs(int at)
                {
                    for (int part = 0; part < outputs[at]; part++)
                    {
                        made++;
                        yield return $"{at}.{part}";
                    }
                }
            }
            Assert.Equal((seed, string.Join(' ', expected)), (seed, string.Join(' ', await intake.AcceptedAsync())));
        }

        static int Read(ReadOnlyMemory<byte> position) => position.IsEmpty ? 0 : BitConverter.ToInt32(position.Span);
    }

    /// <summary>The store has the position of the first try: at that time, the stage had not yet ended the item.</summary>
    [Fact]
    public async Task APositionIsToldAsItWasStoredEvenIfTheAnswerOfTheAppendWasLost()
    {
        SourceProgress? known = null;
        string? told = null;
        await using var intake = new Intake
        {
            Through = store => new AnswerLost(store, () => told = Encoding.UTF8.GetString(known!.Stored.Span))
        };
        await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", (progress, _) =>
        {
            known = progress;
            return "ab".Select(static letter => new WithPosition<string>($"{letter}", Encoding.UTF8.GetBytes($"{letter}")))
                .ToAsyncEnumerable();
        }).SelectMany(static letter => (string[])[letter]));
        Assert.Equal("", told);                      // not "a": a crash would begin with a again
        Assert.Equal(["a", "b"], await intake.AcceptedAsync());
    }

    /// <summary>A source that does not await its positions: the next item is not stored with a position before it.</summary>
    [Fact]
    public async Task AnItemIsNotStoredWithAPositionBeforeItIfTheSourceDidNotWait()
    {
        var mayAppend = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var intake = new Intake { Through = store => new HeldStore(store, mayAppend.Task) };
        for (int life = 0; life < 2; life++) await intake.AcceptAsync(Source.Acknowledged<string>("letters", "test", Letters));
        Assert.Equal(["x"], await intake.AcceptedAsync());

        async IAsyncEnumerable<WithPosition<string>> Letters(SourceProgress progress,
            [EnumeratorCancellation] CancellationToken cancellation)
        {
            if (progress.Start.Span.SequenceEqual("x"u8)) yield break;
            foreach (string mark in (string[])["m", "n"])
            {
                using var impatience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                Task storing = progress.StoreAsync(Encoding.UTF8.GetBytes(mark), impatience.Token);
                await impatience.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => storing);
            }
            _ = Task.Run(async () =>
            {
                for (int turn = 0; turn < 50_000; turn++) await Task.Yield();         // until the item stands before the appends
                mayAppend.SetResult();
            }, CancellationToken.None);
            yield return new("x", "x"u8.ToArray());
        }
    }

    [Theory]
    [InlineData(new byte[] { 7 })]
    [InlineData(new byte[] { 1, 9, 0 })]
    [InlineData(new byte[] { 1, 9, 0, 0, 0, 1 })]
    [InlineData(new byte[] { 1, 255, 255, 255, 255, 1 })]
    public void AStoredPositionThatIsDamagedIsRefused(byte[] stored)
    {
        var refused = Assert.Throws<InvalidDataException>(() => new SourceProgress(static () => { }).Begin(stored));
        Assert.Contains("is damaged, or a later version of Sluice has written it", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Takes the first append, and does not answer it.</summary>
    private sealed class AnswerLost(IStreamStore inner, Action third) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int appends;

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            int number = Interlocked.Increment(ref appends);
            if (number == 3) third();
            AppendResult result = await base.AppendAsync(request, cancellation);
            return number == 1 ? throw new StreamStoreException("The answer was lost.") : result;
        }
    }

    private sealed class HeldStore(IStreamStore inner, Task mayAppend) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            await mayAppend;
            return await base.AppendAsync(request, cancellation);
        }
    }
}

using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

public class DeadLetterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APartThatDiedIsRedrivenFromItsNodeAndKeepsItsId()
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var ids = new ConcurrentBag<string>();
        bool isMended = false;
        int splits = 0;
        Consecutor<int> consecutor = New();
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(7, Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 2L, 1L, 0L), (end.Completed, end.Dead, end.Split, end.Unaccounted));
        Assert.Equal(["70"], ledger.Lines);
        List<DeadLetter> letters = await LettersAsync(consecutor);
        Assert.Equal([71, 72], letters.Select(letter => letter.Item).Order());
        Assert.All(letters, letter => Assert.Equal(("Check", 1, "numbers -> Split -> Check", "FormatException: no good", true),
            (letter.Node, letter.Attempts, letter.Path, letter.Error, letter.EntersAtNode)));

        // In another process, mended.
        await consecutor.DisposeAsync();
        isMended = true;
        await using Consecutor<int> next = New();
        await next.StartAsync(Cancellation);
        Assert.Equal(1, await next.RedriveAsync(letter => letter.Item is 71, Cancellation));
        end = await next.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(1, await next.RedriveAsync(letters[0].Id, Cancellation));
        await next.WaitForIdleAsync(Cancellation);

        Assert.Equal(["70", "71", "72"], ledger.Lines.Order());
        Assert.Equal(1, splits);
        Assert.Equal(letters[0].Id, Assert.Single(ids.Distinct()));

        Consecutor<int> New() => new("numbers", source => source | Split | Check
            | [s => s | ledger.Sink<int>(), s => s.ForEachAsync(NoteAsync)],
            new() { Store = store, Delivery = Sluice.DeliveryGuarantee.Replay(0) });

        IEnumerable<int> Split(int n)
        {
            splits++;
            return [n * 10, (n * 10) + 1, (n * 10) + 2];
        }

        int Check(int n) => n % 10 == 0 || isMended ? n : throw new FormatException("no good");

        ValueTask NoteAsync(int n, ItemContext item, CancellationToken cancellation)
        {
            ids.Add(item.Id);
            return default;
        }
    }

    [Fact]
    public async Task ALetterHasTheStackOfWhatCausedItAndTheFirstHundredOfASecondHaveOne()
    {
        await using var store = new MemoryStreamStore();
        var clock = new TestClock();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Wrap | (static _ => { }),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, 101), Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        await consecutor.SendAsync(101, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        List<DeadLetter> letters = await LettersAsync(consecutor);
        Assert.All(letters, static letter => Assert.StartsWith("InvalidOperationException: wrapped <- FormatException: no good",
            letter.Error, StringComparison.Ordinal));
        Assert.All(letters, static letter => Assert.DoesNotContain('\n', letter.Error));
        Assert.Equal([.. Enumerable.Repeat(true, 100), false, true], letters.Select(static letter => letter.Stack.Length > 0));
        string[] calls = letters[0].Stack.Split('\n');
        Assert.Contains($"{nameof(DeadLetterTests)}.{nameof(Throw)}(", calls[0], StringComparison.Ordinal);
        int caught = Array.IndexOf(calls, "   caught, then InvalidOperationException");
        Assert.InRange(caught, 1, 3);
        Assert.Contains($"{nameof(DeadLetterTests)}.{nameof(Wrap)}(", calls[caught + 1], StringComparison.Ordinal);
    }

    private static int Wrap(int n)
    {
        try
        {
            return Throw(n);
        }
        catch (FormatException e)
        {
            throw new InvalidOperationException("wrapped", e);
        }
    }

    private static int Throw(int n) => throw new FormatException($"no good {n}");

    [Theory]
    [InlineData("FormatException: no good", "   at A.B()\n   at C.D()")]
    [InlineData("", "   at A.B()")]
    [InlineData("two\nlines", "   at A.B()")]
    [InlineData("without a stack", "")]
    public void AStoredFailureIsDividedAsItWasJoined(string error, string stack)
        => Assert.Equal((error, stack), FailureText.Divide(FailureText.Join(error, stack)));

    [Fact]
    public void AStackIsCutAtALineAndALongErrorLeavesRoomForIt()
    {
        string stack = FailureText.StackOf(Assert.ThrowsAny<Exception>(static () => Deep(300)));
        Assert.InRange(stack.Length, 1000, 2000);
        Assert.All(stack.Split('\n'), static line => Assert.StartsWith("   at ", line, StringComparison.Ordinal));
        string joined = FailureText.Join(new string('e', 4000), stack);
        Assert.InRange(joined.Length, 3000, 4001);
        Assert.Equal(stack, FailureText.Divide(joined).Stack);
        Assert.Equal("", FailureText.StackOf(new FormatException("never thrown")));
        Assert.Equal("", FailureText.StackOf(new Unreadable()));

        static int Deep(int depth) => depth == 0 ? throw new FormatException("deep") : Deep(depth - 1) + 1;
    }

    private sealed class Unreadable : Exception
    {
        public override string StackTrace => throw new NotSupportedException();
    }

    [Fact]
    public async Task AnItemForAnUnknownNodeIsParkedUntilTheCodeHasThatNode()
    {
        await using var store = new MemoryStreamStore();
        bool isMended = false;
        var seen = new ConcurrentBag<int>();
        await using (Consecutor<int> first = New("check"))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(1, Cancellation);
            Assert.Equal(1, (await first.WaitForIdleAsync(Cancellation)).Dead);
            await first.StopAsync();
        }
        isMended = true;
        await using (Consecutor<int> renamed = New("verify"))
        {
            await renamed.StartAsync(Cancellation);
            await renamed.RedriveAsync(_ => true, Cancellation);
            ConsecutorSnapshot parked = await Member.UntilAsync(renamed, snapshot => snapshot.Parked == 1);
            Assert.Equal((0L, 0L), (parked.InFlight, parked.Unaccounted));
            WaitingEntry waiting = Assert.Single(await WaitingAsync(store));
            Assert.Contains("no node 'check'", waiting.Error, StringComparison.Ordinal);
            await renamed.StopAsync();
        }
        await using Consecutor<int> again = New("check");
        await again.StartAsync(Cancellation);
        Assert.Equal(1, (await again.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal([2], seen);

        Consecutor<int> New(string node) => new("numbers",
            source => source | (n => n + 1) | ((int n) => isMended ? n : throw new FormatException()) | Stage.Named(node) | seen.Add,
            new() { Store = store, Delivery = Sluice.DeliveryGuarantee.Replay(0) });
    }

    [Fact]
    public async Task AnItemThatKillsTheProcessDiesAloneAndOtherItemsAreNotCharged()
    {
        await using var store = new MemoryStreamStore();
        var done = new ConcurrentBag<int>();
        var attempts = new ConcurrentQueue<int>();   // of the item that kills the process
        int lives = 0;
        ConsecutorSnapshot? end = null;
        while (end is null)
        {
            Assert.True(++lives < 10, "It goes on dying.");
            var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var consecutor = new Consecutor<int>("numbers", source => source.ForEachAsync(WorkAsync),
                new() { Store = store, Delivery = Sluice.DeliveryGuarantee.Replay(2, Backoff.None), Process = new() });
            await consecutor.StartAsync(Cancellation);
            if (lives == 1) await consecutor.SendAllAsync(Enumerable.Range(0, 20).ToList(), Cancellation);
            Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
            if (await Task.WhenAny(idle, killed.Task) == idle)
            {
                end = await idle;
                DeadLetter letter = Assert.Single(await LettersAsync(consecutor));
                Assert.Contains("The process ended 3 times while nothing but this item", letter.Error, StringComparison.Ordinal);
                Assert.Equal(11, letter.Item);
                await consecutor.DisposeAsync();
            }
            else await consecutor.AbandonAsync();

            async ValueTask WorkAsync(int n, ItemContext item, CancellationToken cancellation)
            {
                if (n == 11)
                {
                    attempts.Enqueue(item.Attempt);
                    killed.TrySetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                }
                Assert.Equal(1, item.Attempt);
                done.Add(n);
            }
        }
        Assert.Equal((19L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(5, lives);                      // a shared crash, three alone, and the life that wrote the dead letter
        Assert.Equal([1, 1, 2, 3], attempts);        // the shared crash does not count
        Assert.Equal(Enumerable.Range(0, 20).Where(n => n != 11), done.Distinct().Order());
    }

    /// <summary>A program that looks at letters, or redrives some, need not start the consecutor.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ALetterOfANodeHasItsItemBeforeTheStart(bool isOutput)
    {
        await using var store = new MemoryStreamStore();
        await using (Consecutor<int> works = Make())
        {
            await works.StartAsync(Cancellation);
            await works.SendAllAsync([1, 2], Cancellation);
            Assert.InRange((await works.WaitForIdleAsync(Cancellation)).Dead, 1, 2);
        }
        await using Consecutor<int> looks = Make();
        object? item = (await LettersAsync(looks))[^1].Item;
        if (isOutput) Assert.Equal([1, 2], Assert.IsType<int[]>(item));          // of the node in front
        else Assert.Equal("item 2", item);

        Consecutor<int> Make() => new("numbers", isOutput
            ? source => source.Chunk(2) | Stage.Named("twos") | Pipe.Of<int[]>().ForEach(static _ => throw new FormatException())
            : source => source | (static n => $"item {n}") | Pipe.Of<string>().ForEach(static _ => throw new FormatException()),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 1 } });
    }

    private static async Task<List<DeadLetter>> LettersAsync<T>(Consecutor<T> consecutor)
    {
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        return letters;
    }

    private static async Task<List<WaitingEntry>> WaitingAsync(MemoryStreamStore store)
    {
        var group = new GroupId("numbers", "numbers");
        List<WaitingEntry> waiting = [];
        foreach (PartitionInfo partition in (await store.FindGroupAsync(group, Cancellation))!.Partitions)
            waiting.AddRange(await store.ListWaitingAsync(group, partition.Partition, cancellation: Cancellation));
        return waiting;
    }
}

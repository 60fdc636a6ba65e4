using Sluice.Engine;
using Sluice.Scheduling;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

public class ParallelBoundTests
{
    [Fact]
    public void AChunkBoardHasNoRoomBeyondItsCapacity()
    {
        var board = new ChunkBoard<int, int>(ordered: true, capacity: 16, lanes: 2, adapts: true);
        for (int i = 0; i < 2; i++) Finish(board, board.ChunkSize);
        Assert.Equal(4, board.ChunkSize);            // the work was quick, so the slices have grown
        Dispatch(board, 14);
        Assert.True(board.HasRoomBeside(1));
        Assert.False(board.HasRoomBeside(2));
    }

    /// <summary>The last waiting item may go to a lane that is busy for long, while the output has nothing to do.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LanesGetItemsWhileThereIsRoomHoweverLongOtherItemsTake(bool isOrdered)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            const int Lanes = 3;
            var scheduler = new SeededScheduler(seed);
            (int inside, TaskCompletionSource all, List<int> seen) = (0, new(), []);
            PipelineRun run = (Source.From(Enumerable.Range(0, 1 + (3 * Lanes))) | (async n =>
            {
                if (n == 0) return n;
                TaskCompletionSource these = all;
                if (++inside % Lanes == 0)           // the others wait for the item that takes the last lane
                {
                    all = new();
                    these.SetResult();
                }
                await these.Task;
                return n;
            }) | (isOrdered ? Stage.Parallel(Lanes) : Stage.Parallel(Lanes).Unordered) | seen.Add)
                .Start(new RunOptions { Scheduler = scheduler, MaxBufferedItems = Lanes });
            await scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero);
            Assert.Equal(1 + (3 * Lanes), seen.Count);
        }
    }

    /// <remarks>A lane that waits tells how much came out of the items before; the item that it waits for may have handed over more, and
    /// that may be through.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatWasHandedOverStaysSo(bool isOrdered)
    {
        ChunkBoard<int, int> board = Board(isOrdered, out Chunk<int, int> chunk);
        for (int i = 0; i < 5; i++) chunk.Outputs.Add(i, null);
        board.Hand(chunk, 5);
        RestForLong(board, chunk, 0, 0);
        Assert.True(board.TryPeek(out _, out long upTo, out _));
        Assert.Equal(5, upTo);
        Assert.Null(board.Emitted(chunk, 5));
        Assert.False(board.TryPeek(out _, out _, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatWasPassedOnIsNotPassedOnAgain(bool isOrdered)
    {
        ChunkBoard<int, int> board = Board(isOrdered, out Chunk<int, int> chunk);
        for (int i = 0; i < 1025; i++) chunk.Outputs.Add(i, null);
        var waiter = new Waiter(RunScheduler.ThreadPool);
        waiter.Arm();
        board.Overflow(chunk, waiter);
        RestForLong(board, chunk, 0, 1000);
        Assert.True(board.TryPeek(out _, out long upTo, out _));
        Assert.Equal(1025, upTo);
        Assert.Same(waiter, board.Emitted(chunk, 1025));
        for (int i = 0; i < 3; i++) chunk.Outputs.Add(2000 + i, null);
        board.GoOn(chunk);
        RestForLong(board, chunk, 0, 1000);
        Assert.False(board.TryPeek(out _, out _, out _));
        board.Hand(chunk, chunk.Outputs.Total);
        Assert.True(board.TryPeek(out _, out upTo, out _));
        Assert.Equal((1028, 2000, 2002), (upTo, chunk.Outputs[1025], chunk.Outputs[1027]));
    }

    /// <remarks>The last item of a slice waits, and nothing has come out of the others, as in a sink.</remarks>
    [Fact]
    public void ItemsThatHaveEndedTakeNoRoomBesideOneThatWaits()
    {
        ChunkBoard<int, int> board = Board(isOrdered: false, out Chunk<int, int> chunk);
        Assert.Equal(2, board.Count);
        Assert.True(board.HasBeside(chunk, 1, 0));
        RestForLong(board, chunk, 1, 0);
        Assert.False(board.HasBeside(chunk, 1, 0));
        Assert.Equal((1, false), (board.Count, board.AreResting));
        board.GoOn(chunk);
        Assert.True(board.Finish(chunk, 0));
        board.Remove(chunk);
        Assert.Equal((0, true), (board.Count, board.IsEmpty));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsBehindAnItemThatWaitsForLongIsTakenFirst(bool isOrdered)
    {
        ChunkBoard<int, int> board = Board(isOrdered, out Chunk<int, int> chunk);
        Dispatch(board, 1);
        chunk.Rest(0, 0);
        Assert.True(board.AreResting);
        Assert.False(board.Tick().Lane);
        Assert.True(board.Tick().Lane);
        Assert.True(board.TryTake(out Chunk<int, int> rest, out _));
        Assert.Equal([1], rest.Inputs.Select(static input => input.Item));
        Assert.False(board.AreResting);
        board.GoOn(chunk);
        Assert.Equal([0], chunk.Inputs.Select(static input => input.Item));
        Assert.True(board.TryTake(out Chunk<int, int> last, out _));
        foreach (Chunk<int, int> done in new[] { last, rest, chunk })
        {
            done.Outputs.Add(done == last ? 2 : done == rest ? 1 : 0, null);
            board.Finish(done, 0);
        }
        List<int> seen = [];
        while (board.TryPeek(out Chunk<int, int> next, out _, out _))
        {
            seen.Add(next.Outputs[0]);
            board.Remove(next);
        }
        Assert.Equal(isOrdered ? [0, 1, 2] : [2, 1, 0], seen);
        Assert.True(board.IsEmpty);
    }

    /// <remarks>Most waits are short: the board lets the output and the lanes sleep. Many short waits in a slice count as a long
    /// one.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AShortWaitIsNotTold(bool isOrdered)
    {
        ChunkBoard<int, int> board = Board(isOrdered, out Chunk<int, int> chunk);
        chunk.Rest(0, 0);
        Assert.Equal((false, false, false), board.Tick());
        board.GoOn(chunk);
        chunk.Outputs.Add(0, null);
        Assert.Equal((false, false, false), board.Tick());
        Assert.Equal((false, 2), (board.TryPeek(out _, out _, out _), board.Count));
        chunk.Rest(1, 1);
        Assert.Equal((true, false, !isOrdered), board.Tick());
        Assert.True(board.TryPeek(out _, out long upTo, out bool isDone));
        Assert.Equal((1, false), (upTo, isDone));
    }

    private static void RestForLong(ChunkBoard<int, int> board, Chunk<int, int> chunk, int at, long before)
    {
        chunk.Rest(at, before);
        board.Tick();
        board.Tick();
    }

    private static ChunkBoard<int, int> Board(bool isOrdered, out Chunk<int, int> chunk)
    {
        var board = new ChunkBoard<int, int>(isOrdered, capacity: 16, lanes: 2, adapts: true);
        Dispatch(board, 2);
        Assert.True(board.TryTake(out chunk, out _));
        return board;
    }

    private static void Dispatch(ChunkBoard<int, int> board, int count)
    {
        Chunk<int, int> chunk = board.Rent();
        for (int i = 0; i < count; i++) chunk.Inputs.Add((i, null));
        board.Dispatch(chunk);
    }

    private static void Finish(ChunkBoard<int, int> board, int count)
    {
        Dispatch(board, count);
        Assert.True(board.TryTake(out Chunk<int, int> chunk, out _));
        board.Finish(chunk, 0);
        board.Remove(chunk);
    }
}

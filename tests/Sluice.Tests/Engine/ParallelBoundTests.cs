using Sluice.Engine;
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

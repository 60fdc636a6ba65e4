using Sluice.Engine;

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

    private static void Dispatch(ChunkBoard<int, int> board, int count)
    {
        Chunk<int, int> chunk = board.Rent();
        for (int i = 0; i < count; i++) chunk.Inputs.Add((i, null));
        board.Dispatch(chunk);
    }

    private static void Finish(ChunkBoard<int, int> board, int count)
    {
        Dispatch(board, count);
        Assert.True(board.TryTake(out Chunk<int, int> chunk));
        board.Finish(chunk, 0);
        board.Remove(chunk);
    }
}

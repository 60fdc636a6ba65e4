using System.Collections;

namespace Sluice.PostgreSql;

/// <summary>
/// The last blocks that rounds of this process have written to a partition, until they are leased. Known with the rows of the stream, and
/// forgotten with them. A stream has <see cref="MaxBytes"/> of them at most, and only if one group leases from it.
/// </summary>
internal sealed class RecentBlocks(StreamRow stream) : IEnumerable<(ChunkMark Mark, byte[] Body)>
{
    public const int MaxBytes = 1 << 20;

    private readonly Queue<(ChunkMark Mark, byte[] Body)> blocks = new();

    public void Add(ChunkMark mark, byte[] body)
    {
        if (stream.Groups.Count != 1 || stream.RecentBytes + body.Length > MaxBytes) return;
        blocks.Enqueue((mark, body));
        stream.RecentBytes += body.Length;
    }

    /// <summary>Forgets blocks up to a sequence.</summary>
    public void RemoveThrough(long sequence)
    {
        while (blocks.TryPeek(out (ChunkMark Mark, byte[] Body) first) && first.Mark.Last <= sequence)
            stream.RecentBytes -= blocks.Dequeue().Body.Length;
    }

    public IEnumerator<(ChunkMark Mark, byte[] Body)> GetEnumerator() => blocks.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

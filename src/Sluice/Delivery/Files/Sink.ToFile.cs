using System.Buffers;
using System.Text;

namespace Sluice;

public static partial class Sink
{
    /// <summary>
    /// A text file in which every item that completes has its line exactly once, whatever happens to the process in between: the length of the file is
    /// part of the consecutor's commits. For use in the pipeline of a consecutor only.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Lines are in the order in which their items end; those of one item stand together. Whoever reads the file meanwhile may see lines behind the committed
    /// length that are not committed yet, and are cut off if they never are.
    /// </para>
    /// <para>
    /// The sink has the file for itself, by a lock of the operating system on a file beside it (<c>.lock</c>, which stays there). The file is refused when the
    /// consecutor starts: if it is shorter than what was committed, or gone; if another process writes it; if there is something in it that the store
    /// knows nothing of, unless <paramref name="replace"/> says otherwise. Where it is cut, moved or deleted later, nothing more is committed until it is back, and the snapshot's
    /// problem says so.
    /// </para>
    /// <para>The length is kept under the node's name, which is that of the file unless it is given another (<see cref="Stage.Named"/>).</para>
    /// </remarks>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="line">Makes the line of an item, without its end. A failure is the item's.</param>
    /// <param name="header">The first line; none unless given. Written with the first item.</param>
    /// <param name="replace">Whether a file of which the store knows nothing is emptied at the start instead of refused.</param>
    public static Sink<T> ToFile<T>(string path, Func<T, string> line, string? header = null, bool replace = false)
    {
        ArgumentNullException.ThrowIfNull(line);
        return ToFile<T>(path, Line, header is null ? [] : Encoding.UTF8.GetBytes(header + "\n"), replace);

        byte[] Line(T item) => Encoding.UTF8.GetBytes(line(item) + "\n");
    }

    /// <summary>A file of any kind, to which every item that completes adds its bytes exactly once.</summary>
    /// <inheritdoc cref="ToFile{T}(string, Func{T, string}, string?, bool)"/>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="write">Writes the bytes of an item. A failure is the item's.</param>
    /// <param name="header">The first bytes; none unless given. Written with the first item.</param>
    /// <param name="replace">Whether a file of which the store knows nothing is emptied at the start instead of refused.</param>
    public static Sink<T> ToFile<T>(string path, Action<T, IBufferWriter<byte>> write, ReadOnlyMemory<byte> header = default, bool replace = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        return ToFile<T>(path, Bytes, header.ToArray(), replace);

        byte[] Bytes(T item)
        {
            var bytes = new ArrayBufferWriter<byte>();
            write(item, bytes);
            return bytes.WrittenSpan.ToArray();
        }
    }

    private static Sink<T> ToFile<T>(string path, Func<T, byte[]> bytes, byte[] header, bool replace)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        return Commit(bytes, () => new FileSink(full, header, replace), Path.GetFileName(full));
    }
}

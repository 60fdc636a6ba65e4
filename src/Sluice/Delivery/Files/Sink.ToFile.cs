using System.Buffers;
using Sluice.Delivery;

namespace Sluice;

public static partial class Sink
{
    /// <summary>A text file with one line for every completed item, exactly once, even if the process dies: the length of the file is part
    /// of the consecutor's commits. Only for the pipeline of a consecutor.</summary>
    /// <remarks>
    /// <para>Lines are in the order in which their items end; lines of one item stand together. A reader may see lines behind the committed
    /// length: they are not committed yet, and are cut off if their commit is void.</para>
    /// <para>
    /// The sink writes the file exclusively, by a lock of the operating system on a file beside it (<c>.lock</c>, which stays). When the
    /// consecutor starts, the sink refuses a file that is gone or shorter than committed, that another process writes, or that is another
    /// file than the sink has written so far. It also refuses content that the store does not know, unless <paramref name="replace"/> is
    /// true. If the file is cut, moved or deleted later, nothing
    /// more is committed until it is back, and the snapshot reports the problem.
    /// </para>
    /// <para>The length is stored under the node's name. By default, that is the name of the file (<see cref="Stage.Named"/> gives
    /// another).</para>
    /// </remarks>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="line">Makes the line of an item, without the line end. A text with line ends in it is several lines; null is an empty
    /// one. If the function throws, the item fails.</param>
    /// <param name="header">The first line, written with the first item; none by default.</param>
    /// <param name="replace">Whether a file of which the store knows nothing is emptied at the start instead of refused.</param>
    public static Sink<T> ToFile<T>(string path, Func<T, string> line, string? header = null, bool replace = false)
    {
        ArgumentNullException.ThrowIfNull(line);
        return ToFile<T>(path, Line, header is null ? [] : Encoding.UTF8.GetBytes(header + "\n"), replace);

        byte[] Line(T item) => Encoding.UTF8.GetBytes(line(item) + "\n");
    }

    /// <summary>A file of any format, to which every completed item appends its bytes exactly once.</summary>
    /// <inheritdoc cref="ToFile{T}(string, Func{T, string}, string?, bool)"/>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="write">Writes the bytes of an item. If it throws, the item fails.</param>
    /// <param name="header">The first bytes, written with the first item; none by default.</param>
    /// <param name="replace">Whether a file of which the store knows nothing is emptied at the start instead of refused.</param>
    public static Sink<T> ToFile<T>(string path, Action<T, IBufferWriter<byte>> write, ReadOnlyMemory<byte> header = default,
        bool replace = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        AsyncVoid.RefuseCallback(write);
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

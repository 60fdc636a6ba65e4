using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Sluice;

/// <summary>
/// The files of a directory that were seen, in the order in which they are taken: so that the position in a directory is a number, whatever the names of
/// files that come later. A file is noted, and the note flushed, before it is taken.
/// </summary>
/// <remarks>One line for each name. A last line without an end was cut by a crash, before anybody relied on it.</remarks>
internal sealed class FileJournal : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly HashSet<string> known;
    private long length;

    private FileJournal(SafeFileHandle file, List<string> names, long length)
    {
        (this.file, Names, this.length) = (file, names, length);
        known = new(names, StringComparer.Ordinal);
    }

    public List<string> Names { get; }

    /// <exception cref="IOException">Another process reads the directory with this journal; or it cannot be written.</exception>
    public static FileJournal Open(string path)
    {
        SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            byte[] bytes = new byte[RandomAccess.GetLength(file)];
            int read = 0;
            while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and var count) read += count;
            int whole = bytes.AsSpan(0, read).LastIndexOf((byte)'\n') + 1;
            RandomAccess.SetLength(file, whole);
            string text = Encoding.UTF8.GetString(bytes, 0, whole);
            return new(file, [.. text.Split('\n')[..^1].Select(Unescape)], whole);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool Knows(string name) => known.Contains(name);

    /// <summary>Notes names, in this order; they are on the disk when it returns.</summary>
    public void Add(IReadOnlyList<string> names)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(names.Select(name => Escape(name) + "\n")));
        RandomAccess.Write(file, bytes, length);
        RandomAccess.FlushToDisk(file);
        length += bytes.Length;
        Names.AddRange(names);
        known.UnionWith(names);
    }

    public void Dispose() => file.Dispose();

    // On Unix a name may have any character but a slash, a line feed too.
    private static string Escape(string name) => name.Replace("\n", "/n", StringComparison.Ordinal);

    private static string Unescape(string line) => line.Replace("/n", "\n", StringComparison.Ordinal);
}

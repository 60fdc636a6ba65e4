using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Sluice;

/// <summary>
/// The files of a directory that were seen, in the order in which they are taken: so that the position in a directory is a number, whatever the names of
/// files that come later. A file is noted, and the note flushed, before it is taken.
/// </summary>
/// <remarks>
/// One line for each name, with a checksum of it and of all names before, so that a line that was changed, lost or moved is noticed. Journals of earlier versions have lines without checksums;
/// those are read, and the checksums of what comes behind include them. A last line without an end was cut by a crash, before anybody relied on it. Used by one producer.
/// </remarks>
internal sealed class FileJournal : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly HashSet<string> known;
    private long length;
    private uint sum;

    private FileJournal(SafeFileHandle file, List<string> names, long length, uint sum)
    {
        (this.file, Names, this.length, this.sum) = (file, names, length, sum);
        known = new(names, StringComparer.Ordinal);
    }

    public List<string> Names { get; }

    /// <param name="path">The journal.</param>
    /// <param name="accepted">The position in the store: how many names were accepted wholly; of the one behind them something was. Null if there is none.</param>
    /// <exception cref="IOException">Another process reads the directory with this journal; or it cannot be written.</exception>
    /// <exception cref="InvalidDataException">A line is damaged that something was accepted by: names journal and line.</exception>
    public static FileJournal Open(string path, long? accepted)
    {
        SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            byte[] bytes = new byte[RandomAccess.GetLength(file)];
            int read = 0;
            while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and var count) read += count;
            List<string> names = [];
            uint sum = 0;
            int whole = 0;
            bool hasSums = false;
            for (int end; (end = Array.IndexOf(bytes, (byte)'\n', whole, read - whole)) >= 0; whole = end + 1)
            {
                var line = JournalLine.Read(bytes.AsSpan(whole, end - whole), hasSums, sum);
                if (line.Name is null)
                {
                    // Of what lies behind the name that comes next nothing was accepted: those files are found again.
                    if (names.Count > (accepted ?? 0)) break;
                    throw Damaged(path, names.Count + 1, line.HasSum && !hasSums && names.Count > 0);
                }
                (hasSums, sum) = (hasSums || line.HasSum, line.Sum);
                names.Add(line.Name);
            }
            if (whole < read && names.Count <= accepted) throw Damaged(path, names.Count + 1, mayBeEarlier: false);     // it was whole once
            RandomAccess.SetLength(file, whole);
            return new(file, names, whole, sum);
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
        var text = new StringBuilder();
        uint after = sum;
        foreach (string name in names) text.Append(JournalLine.Write(name, ref after)).Append('\n');
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        RandomAccess.Write(file, bytes, length);
        RandomAccess.FlushToDisk(file);
        (length, sum) = (length + bytes.Length, after);
        Names.AddRange(names);
        known.UnionWith(names);
    }

    public void Dispose() => file.Dispose();

    private static InvalidDataException Damaged(string path, int line, bool mayBeEarlier) => new(
        $"{path}, line {line}: the checksum is wrong, so the name in this line{(mayBeEarlier ? ", or in one of the lines before it, which have no checksums," : "")} is not the one that was written: the file is damaged, or somebody has edited it. "
        + "Nothing was taken. Put the journal back from a copy, or write the right name into the line: then the checksum fits. Or give the producer another name, to begin anew with all files.");
}

using Microsoft.Win32.SafeHandles;

namespace Sluice.Producers;

/// <summary>
/// The journal of a directory: the names of its files in the order in which they are taken. With it, the position in a directory is a
/// number, whatever the names of later files. A name is written and flushed before its file is taken.
/// </summary>
/// <remarks>
/// One line for each name, with a checksum of all names so far, so that a changed, lost or moved line is noticed. Journals of earlier
/// versions have lines without checksums; later checksums include them. A last line without an end was cut off by a crash, before its file
/// was taken. A name may have several lines: its file was gone when its turn came, and was found again. The latest line counts. Used by one
/// producer.
/// </remarks>
internal sealed class FileJournal : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly Dictionary<string, int> known;          // the latest line of each name, from 0
    private long length;
    private uint sum;

    private FileJournal(SafeFileHandle file, List<string> names, long length, uint sum)
    {
        (this.file, Names, this.length, this.sum) = (file, names, length, sum);
        known = new(names.Count, StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++) known[names[i]] = i;
    }

    public List<string> Names { get; }

    /// <summary>When the journal was written before this run, by the clock of its file server. All names in it were taken by
    /// then.</summary>
    public required DateTime WrittenBefore { get; init; }

    /// <summary>Reads a journal that a run has taken.</summary>
    /// <param name="claim">The journal.</param>
    /// <param name="accepted">The stored position: the number of files that were accepted completely; a part of the next one was accepted,
    /// too. Null if there is none.</param>
    /// <exception cref="IOException">Another run has this journal, or it cannot be written.</exception>
    /// <exception cref="InvalidDataException">A line up to the stored position is damaged; the message names journal and line.</exception>
    public static FileJournal Open(JournalClaim claim, long? accepted)
    {
        (string path, SafeFileHandle file) = (claim.Path, claim.Give());
        try
        {
            DateTime before = File.GetLastWriteTimeUtc(path);
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
                    // Of the files behind the next one nothing was accepted: they are found again.
                    if (names.Count > (accepted ?? 0)) break;
                    throw Damaged(path, names.Count + 1, line.HasSum && !hasSums && names.Count > 0);
                }
                (hasSums, sum) = (hasSums || line.HasSum, line.Sum);
                names.Add(line.Name);
            }
            if (whole < read && names.Count <= accepted) throw Damaged(path, names.Count + 1, mayBeEarlier: false); // it was complete once
            RandomAccess.SetLength(file, whole);
            return new(file, names, whole, sum) { WrittenBefore = before };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool Knows(string name) => known.ContainsKey(name);

    /// <summary>Whether the latest line with the name is one of the first lines.</summary>
    public bool Knows(string name, int first) => known.TryGetValue(name, out int line) && line < first;

    /// <summary>Whether the line, counted from 0, is the latest one with its name.</summary>
    public bool IsLatest(int line) => known.GetValueOrDefault(Names[line], line) == line;

    /// <summary>Lets the next scan find a file again, because it was not taken. The journal is not changed.</summary>
    public void Forget(string name) => known.Remove(name);

    /// <summary>Appends names, in this order, and flushes them to the disk.</summary>
    public void Add(IReadOnlyList<string> names)
    {
        var text = new StringBuilder();
        uint after = sum;
        foreach (string name in names) text.Append(JournalLine.Write(name, ref after)).Append('\n');
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        RandomAccess.Write(file, bytes, length);
        RandomAccess.FlushToDisk(file);
        (length, sum) = (length + bytes.Length, after);
        foreach (string name in names)
        {
            known[name] = Names.Count;
            Names.Add(name);
        }
    }

    public void Dispose() => file.Dispose();

    private static InvalidDataException Damaged(string path, int line, bool mayBeEarlier) => new(
        $"{path}, line {line}: the checksum is wrong, so the name in this "
            + $"line{(mayBeEarlier ? ", or in one of the lines before it, which have no checksums," : "")} is not the one that was "
            + $"written: the file is damaged, or another program has edited it. "
        + "Nothing was taken. Put the journal back from a copy, or write the right name into the line: then the checksum fits. Or give "
        + "the producer another name, to begin anew with all files.");
}

namespace Sluice.Producers;

/// <summary>The state of a followed path in this run. Used by one pump.</summary>
internal sealed class FollowedFile(string path, UInt128 id)
{
    public string Path => path;

    public UInt128 Id => id;

    /// <summary>The file as the latest scan found it; null if it was not there.</summary>
    public FoundFile? Found { get; set; }

    /// <summary>The number of the scan that found it.</summary>
    public long Round { get; set; }

    /// <summary>The file as it was when it had been read to its end.</summary>
    public FoundFile? Read { get; set; }

    /// <summary>The target of the path when the file under it was opened last; null if the path is no link.</summary>
    public string? Target { get; set; }

    /// <summary>Whether a visit ended before the file did.</summary>
    public bool HasMore { get; set; }

    /// <summary>Whether lines are still read from a rotated file, or no file fits the row.</summary>
    public bool IsBehind { get; set; }

    /// <summary>
    /// The first bytes of the rotated files of the first scan, if no line of the path was read before; null before that scan.
    /// </summary>
    public List<byte[]>? EarlierHeads { get; set; }

    /// <summary>Whether none of its files exists any more.</summary>
    public bool IsGone { get; set; }

    /// <summary>The timestamp at which that was noticed.</summary>
    public long GoneSince { get; set; }

    /// <summary>The row that no file fitted in one scan; the next scan decides.</summary>
    public LogRow? Unmatched { get; set; }

    /// <summary>The text of the last warning.</summary>
    public string? Warning { get; set; }

    /// <summary>The file under the path, as it was found when the source went on to it from a rotated file.</summary>
    public FoundFile? WentTo { get; set; }

    /// <summary>The rotated file that was read to its end, its length, and the timestamp since when it has had that length.</summary>
    public (string Path, long Length, long Since) Ended { get; set; }
}

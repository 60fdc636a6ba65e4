namespace Sluice;

/// <summary>A followed path, and what this run knows of the files behind it. Used by one pump.</summary>
internal sealed class FollowedFile(string path, UInt128 id)
{
    public string Path => path;

    public UInt128 Id => id;

    /// <summary>The file as the latest look has found it; null if it was not there.</summary>
    public FoundFile? Found { get; set; }

    /// <summary>The number of the look that has found it.</summary>
    public long Round { get; set; }

    /// <summary>The file as it was when everything of it had been read.</summary>
    public FoundFile? Read { get; set; }

    /// <summary>Whether a visit ended before the file did.</summary>
    public bool HasMore { get; set; }

    /// <summary>Whether lines are read from a rotated file, or none could be found.</summary>
    public bool IsBehind { get; set; }

    /// <summary>How the rotated files began that were there at the first look, if no line of the path was read before it; null before that look.</summary>
    public List<byte[]>? EarlierHeads { get; set; }

    /// <summary>Whether nothing of it is there any more.</summary>
    public bool IsGone { get; set; }

    /// <summary>When it was found to be gone, as a timestamp.</summary>
    public long GoneSince { get; set; }

    /// <summary>The row that no file fits: it was looked for once.</summary>
    public LogRow? Unmatched { get; set; }

    /// <summary>The last damage that was reported as a warning.</summary>
    public string? Warning { get; set; }

    /// <summary>The rotated file that was read to its end, its length, and since when it has had that length.</summary>
    public (string Path, long Length, long Since) Ended { get; set; }
}

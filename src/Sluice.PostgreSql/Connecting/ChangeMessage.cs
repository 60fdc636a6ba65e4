namespace Sluice.PostgreSql;

/// <summary>
/// A notification: the sender, then a line for each stream. Behind a tab are the partitions that may give entries: none if only room was
/// made. Without a tab, everything of the stream may have changed. Names of streams contain no control characters.
/// </summary>
internal static class ChangeMessage
{
    private const int MaxBytes = 7900;               // PostgreSQL allows 7,999
    private const int MaxPartitions = 4096;          // of a stream: any role can notify, and a large number would take memory

    /// <summary>Writes as many notifications as are needed.</summary>
    public static IReadOnlyList<string> Write(string sender, IReadOnlyDictionary<string, HashSet<int>?> streams)
    {
        List<string> messages = [];
        var text = new System.Text.StringBuilder(sender);
        int bytes = sender.Length;
        foreach ((string stream, HashSet<int>? partitions) in streams)
        {
            string line = partitions is null ? stream : $"{stream}\t{string.Join(',', partitions)}";
            if (line.Length > MaxBytes / 4) line = stream;
            int length = System.Text.Encoding.UTF8.GetByteCount(line) + 1;
            if (bytes + length > MaxBytes)
            {
                messages.Add(text.ToString());
                text.Clear().Append(sender);
                bytes = sender.Length;
            }
            text.Append('\n').Append(line);
            bytes += length;
        }
        messages.Add(text.ToString());
        return messages;
    }

    /// <summary>Reads a notification into changes, unless this process has sent it. One that is not understood wakes everybody.</summary>
    public static void Read(string message, string self, StreamChanges changes)
    {
        string[] lines = message.Split('\n');
        if (lines[0] == self) return;
        if (lines.Length == 1) changes.PublishAll();
        foreach (string line in lines.AsSpan(1))
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab < 0)
            {
                changes.Publish([line]);
                continue;
            }
            List<int> partitions = [];
            bool isKnown = true;
            foreach (string number in line[(tab + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries))
                if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
                    && partition < MaxPartitions) partitions.Add(partition);
                else isKnown = false;
            if (isKnown) changes.PublishEntries(line[..tab], partitions);
            else changes.PublishAll();
        }
    }
}

namespace Files.Processors;

/// <summary>Reads a file whole, as far as it is one that can be.</summary>
internal static class TextFile
{
    /// <summary>The longest file that is read, in bytes.</summary>
    public const int Longest = 32 << 20;

    // Opening a pipe waits for somebody who writes it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <returns>What is in it; or why that cannot be known.</returns>
    public static async Task<(byte[] Text, string? Trouble)> ReadAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > Longest) return ([], $"is longer than {Longest >> 20} MB");
            // What has a length is a regular file. What seems to have none may be a pipe, or something that makes up what is read.
            byte[] text = file.Exists && file.Length > 0 ? await File.ReadAllBytesAsync(path, cancellation)
                : await Task.Run(() => ReadUnknown(path), cancellation).WaitAsync(Patience, cancellation);
            return text.Length > Longest ? ([], $"is longer than {Longest >> 20} MB") : (text, null);
        }
        catch (TimeoutException)
        {
            return ([], "does not answer: a pipe?");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return ([], failure.Message);
        }
    }

    private static byte[] ReadUnknown(string path)
    {
        using var file = new FileStream(path, new FileStreamOptions { BufferSize = 0 });
        using var text = new MemoryStream();
        byte[] buffer = new byte[4096];
        for (int count; (count = file.Read(buffer)) > 0 && text.Length <= Longest;) text.Write(buffer, 0, count);
        return text.ToArray();
    }
}

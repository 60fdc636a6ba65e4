using Microsoft.Win32.SafeHandles;

namespace Files.Processors;

/// <summary>Reads files whole, one after the other, as far as they can be. They share one buffer: what was read is there until the next one
/// is.</summary>
internal sealed class TextFile
{
    /// <summary>The longest file that is read, in bytes.</summary>
    public const int Longest = 32 << 20;

    // Opening a pipe waits for somebody who writes it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private byte[] buffer = new byte[64 << 10];

    /// <returns>What is in it; or why that cannot be known.</returns>
    public async Task<(ReadOnlyMemory<byte> Text, string? Trouble)> ReadAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > Longest) return (default, $"is longer than {Longest >> 20} MB");
            // What has a length is a regular file. What seems to have none may be a pipe, or something that makes up what is read.
            ReadOnlyMemory<byte> text = file.Exists && file.Length > 0 ? await ReadKnownAsync(path, (int)file.Length, cancellation)
                : await Task.Run(() => ReadUnknown(path), cancellation).WaitAsync(Patience, cancellation);
            return text.Length > Longest ? (default, $"is longer than {Longest >> 20} MB") : (text, null);
        }
        catch (TimeoutException)
        {
            return (default, "does not answer: a pipe?");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return (default, failure.Message);
        }
    }

    // It may have grown since its length was asked for.
    private async Task<ReadOnlyMemory<byte>> ReadKnownAsync(string path, int length, CancellationToken cancellation)
    {
        using SafeFileHandle file = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
        int end = 0;
        while (end <= Longest)
        {
            if (Math.Max(end, length) >= buffer.Length) Array.Resize(ref buffer, Math.Max(2 * buffer.Length, length + 1));
            int count = await RandomAccess.ReadAsync(file, buffer.AsMemory(end), end, cancellation);
            if (count == 0) break;
            end += count;
        }
        return buffer.AsMemory(0, end);
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

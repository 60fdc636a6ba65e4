using System.Globalization;
using System.Text;
using Files.Processors;

namespace Files.Driving;

/// <summary>The file of <c>--out</c>: a line for each entry of the index, as RFC 4180 has it.</summary>
internal sealed class CountsFile : IDisposable
{
    private readonly StreamWriter? file;

    /// <param name="path">Null for none.</param>
    /// <exception cref="UserMistake">It cannot be written.</exception>
    public CountsFile(string? path)
    {
        if (path is null) return;
        try
        {
            file = new(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UserMistake($"--out {path} cannot be written: {failure.Message}", failure);
        }
        file.WriteLine("file,words");
    }

    public void Add(FileWords entry) => file?.WriteLine(
        $"{Quoted(entry.Path)},{(entry.Trouble is null ? entry.Words.ToString(CultureInfo.InvariantCulture) : "")}");

    public void Dispose() => file?.Dispose();

    private static string Quoted(string text)
        => text.AsSpan().IndexOfAny(",\"\r\n") < 0 && text.Trim() == text ? text
        : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

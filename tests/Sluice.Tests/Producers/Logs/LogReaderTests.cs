using System.Text;
using Sluice.Producers;

namespace Sluice.Tests.Producers;

/// <summary>A line without an end is read once, not at each poll.</summary>
public sealed class LogReaderTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();
    private readonly LogReader reader = new(1000);

    /// <summary>A line end in the part that was read would be seen if that part were read again.</summary>
    [Fact]
    public void ALongLineWithoutAnEndIsNotReadAgain()
    {
        File.WriteAllText(path, "first\n" + new string('a', 200_000));
        LogRow row = TakeAll(new LogRow { File = 1 }, "first");
        Overwrite(100_000, "\n");
        Assert.Equal(row.Offset, TakeAll(row).Offset);
        File.AppendAllText(path, "aa\nnext\n");
        Assert.True(Open(row));
        Assert.True(reader.TryTake());
        Assert.Equal((true, 200_003, 2), (reader.IsTooLong, reader.LineLength, reader.Row.Line));
        Assert.InRange(reader.Line.Length, 1001, 64 * 1024);
        Assert.True(reader.TryTake());
        Assert.Equal(("next", false), (Encoding.UTF8.GetString(reader.Line.Span), reader.IsTooLong));
        LogRow end = reader.Row;
        reader.Close();
        TakeAll(end);
    }

    /// <summary>The file was written anew with the same beginning.</summary>
    [Fact]
    public void AFileWithOtherBytesIsReadFromTheLineOn()
    {
        File.WriteAllText(path, "first\n" + new string('a', 200_000));
        LogRow row = TakeAll(new LogRow { File = 1 }, "first");
        File.WriteAllText(path, "first\nsecond\n" + new string('b', 300_000));
        TakeAll(row, "second");
    }

    public void Dispose()
    {
        reader.Close();
        File.Delete(path);
    }

    private LogRow TakeAll(LogRow row, params string[] lines)
    {
        Assert.True(Open(row));
        foreach (string line in lines)
        {
            Assert.True(reader.TryTake());
            Assert.Equal(line, Encoding.UTF8.GetString(reader.Line.Span));
        }
        Assert.False(reader.TryTake());
        LogRow end = reader.Row;
        reader.Close();
        return end;
    }

    private bool Open(LogRow row)
    {
        var file = new FileInfo(path);
        return reader.TryOpen(new(path, file.Length, file.LastWriteTimeUtc), row);
    }

    private void Overwrite(long at, string text)
    {
        using FileStream file = File.OpenWrite(path);
        file.Position = at;
        file.Write(Encoding.UTF8.GetBytes(text));
    }
}

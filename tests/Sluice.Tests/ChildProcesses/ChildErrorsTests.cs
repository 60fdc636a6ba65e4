using System.Text;
using Sluice.ChildProcesses;

namespace Sluice.Tests.ChildProcesses;

public class ChildErrorsTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("the last line", " It wrote: b / c / the last line")]
    [InlineData("the last line\n", " It wrote: b / c / the last line")]
    [InlineData("\r\n\n\rthe last line\r\n", " It wrote: b / c / the last line")]
    public async Task ItIsReadToItsEndAlthoughTheCopyFails(string end, string expected)
    {
        string lines = string.Concat(Enumerable.Repeat("a line\n", 30_000));          // 210 KB
        using var copy = new FailingWriter(failures: 3);
        using var errors = new StringReader($"{lines}b\r\nc\n{end}");

        string kept = await new ChildErrors(errors, 3, () => copy).EndAsync().WaitAsync(Timeout, TestContext.Current.CancellationToken);

        Assert.Throws<ObjectDisposedException>(() => errors.Read());           // a pipe
        Assert.Equal(expected, kept);
        Assert.Equal(30_003 - 3, copy.Lines.Count(static line => line.Length > 0));
    }

    /// <summary>A child that writes no line feeds does not fill the memory of its parent.</summary>
    [Fact]
    public async Task ALongLineIsCopiedInPartsAndItsBeginningIsKept()
    {
        string longest = "b" + string.Concat(Enumerable.Repeat("\U0001F40C", 100_000));
        using var copy = new FailingWriter(failures: 0);
        using var errors = new StringReader($"a\n{longest}\nc\n");

        string kept = await new ChildErrors(errors, 5, () => copy).EndAsync().WaitAsync(Timeout, TestContext.Current.CancellationToken);

        Assert.Equal($" It wrote: a / {longest[..300]}… / c", kept);
        Assert.Equal($"a{longest}c", string.Concat(copy.Lines));
        Assert.All(copy.Lines, static line => Assert.InRange(line.Length, 1, (16 * 1024) + 1));
        Assert.DoesNotContain(copy.Lines, static line => char.IsLowSurrogate(line[0]));
    }

    /// <summary>Standard error of a service whose disk is full for a while.</summary>
    private sealed class FailingWriter(int failures) : TextWriter
    {
        public List<string> Lines { get; } = [];

        public override Encoding Encoding => Encoding.UTF8;

        public override Task WriteLineAsync(string? value)
        {
            if (failures-- > 0) throw new IOException("No space left on device");
            Lines.Add(value!);
            return Task.CompletedTask;
        }
    }
}

using Sluice.ChildProcesses;

namespace Sluice.Tests.ChildProcesses;

/// <summary>Parents and children of different versions.</summary>
public class ProtocolVersionTests
{
    private static readonly byte[] Secret = [.. Enumerable.Repeat((byte)7, ChildToken.SecretBytes)];

    [Theory]
    [InlineData(null, 1, 1, 1)]         // an older parent
    [InlineData("1", 1, 3, 1)]
    [InlineData("2", 1, 3, 2)]
    [InlineData("9", 1, 3, 3)]          // a newer parent
    public void AChildSpeaksTheNewestVersionThatBothKnow(string? parents, long oldest, long newest, long expected)
        => Assert.Equal(expected, ProtocolVersion.Choose(parents, oldest, newest));

    [Theory]
    [InlineData(null, 2, 2, "up to version 1, and this program (Sluice 0.1.0) speaks version 2. Update the NuGet package Sluice of the")]
    [InlineData("1", 2, 4, "up to version 1, and this program (Sluice 0.1.0) speaks versions 2 to 4. Update")]
    [InlineData("", 1, 1, "SLUICE_PROTOCOL is damaged")]
    [InlineData("-1", 1, 1, "SLUICE_PROTOCOL is damaged")]
    [InlineData("99999999999999999999", 1, 1, "SLUICE_PROTOCOL is damaged")]
    public void AChildThatKnowsNoVersionOfItsParentSaysWhatToUpdate(string? parents, long oldest, long newest, string expected)
        => Assert.Contains(expected, Assert.Throws<InvalidOperationException>(
            () => ProtocolVersion.Choose(parents, oldest, newest)).Message, StringComparison.Ordinal);

    [Fact]
    public void AParentSpeaksWithItsOldestAndItsNewestVersion()
        => Assert.Equal((null, null),
            (ProtocolVersion.Refusal(ProtocolVersion.Oldest, "Do it"), ProtocolVersion.Refusal(ProtocolVersion.Newest, "Do it")));

    [Theory]
    [InlineData(ProtocolVersion.Newest + 1, ". Do it, or update the NuGet package Sluice of the service.")]
    [InlineData(ProtocolVersion.Oldest - 1, ". Do it.")]
    [InlineData(long.MinValue, ". Do it.")]
    public void AParentSaysWhatToUpdate(long childs, string end)
    {
        string refusal = ProtocolVersion.Refusal(childs, "Do it")!;
        Assert.StartsWith($"The child process speaks version {childs} of the protocol", refusal, StringComparison.Ordinal);
        Assert.EndsWith(end, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void AChildRemovesTheVersionFromItsEnvironmentAndSaysItInItsHello()
    {
        const string Variable = "SLUICE_TEST_TOKEN";
        var token = new ChildToken("/socket", Secret, 1024);
        try
        {
            Environment.SetEnvironmentVariable(Variable, token.Text);
            Environment.SetEnvironmentVariable(ProtocolVersion.Variable, "0");
            Assert.Throws<InvalidOperationException>(() => ChildToken.Take(Variable));
            Assert.Null(Environment.GetEnvironmentVariable(ProtocolVersion.Variable));
            Environment.SetEnvironmentVariable(Variable, token.Text);
            Environment.SetEnvironmentVariable(ProtocolVersion.Variable, "7");
            Assert.Equal(1, ChildToken.Take(Variable)!.Version);
            Assert.Null(Environment.GetEnvironmentVariable(ProtocolVersion.Variable));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
            Environment.SetEnvironmentVariable(ProtocolVersion.Variable, null);
        }
    }

    [Fact]
    public void AHelloMayEndBeforeItsFlagsOrItsVersionAndHaveMore()
    {
        using var frame = new FrameWriter();
        new Hello(Secret, "i", "o") { Version = 5 }.Write(frame);
        byte[] hello = frame.Memory[4..].ToArray();
        Assert.Equal((true, 5L), Read(hello));
        Assert.Equal((true, 5L), Read([.. hello, 1, 2, 3]));
        Assert.Equal((true, 1L), Read(hello[..^8]));
        Assert.Equal((false, 1L), Read(hello[..^9]));
        Assert.Throws<InvalidDataException>(() => Read(hello[..^1]));

        static (bool, long) Read(byte[] bytes) => Hello.Read(bytes) is { } read ? (read.TakesTraces, read.Version) : default;
    }
}

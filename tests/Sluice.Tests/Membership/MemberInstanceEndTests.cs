using Sluice.Membership;

namespace Sluice.Tests.Membership;

/// <summary>When an instance counts as ended: at its end, which is final, and when its process certainly does not exist.</summary>
public class MemberInstanceEndTests
{
    [Fact]
    public void AnEndedInstanceCannotBeginAgain()
    {
        var instance = new MemberInstance();
        instance.Begin();
        Assert.True(MemberInstance.IsAlive(instance.Id));
        instance.End();
        instance.Begin();
        Assert.False(MemberInstance.IsAlive(instance.Id));
    }

    /// <remarks>A process that is out of file descriptors cannot read anything: all members of its machine seemed dead to it.</remarks>
    [Fact]
    public void AProcessHasEndedOnlyIfTheSystemSaysSo()
    {
        string[] parts = new MemberInstance().Id.Split('/');
        Assert.SkipUnless(parts[0].Length > 0, "Other systems do not tell which processes have ended.");
        string other = string.Join('/', [parts[0], "7", "123", "another", "1"]);

        Assert.False(HasEnded(static () => throw new IOException("Too many open files", 24)));
        Assert.False(HasEnded(static () => throw new IOException("Input/output error", 5)));
        Assert.False(HasEnded(static () => throw new UnauthorizedAccessException()));
        Assert.False(HasEnded(static () => Stat("S", start: 123)));
        Assert.True(HasEnded(static () => Stat("S", start: 124)));       // the number was given to another process
        Assert.True(HasEnded(static () => Stat("Z", start: 123)));
        Assert.True(HasEnded(static () => throw new DirectoryNotFoundException()));
        Assert.True(HasEnded(static () => throw new FileNotFoundException()));
        Assert.True(HasEnded(static () => throw new IOException("No such process", 3)));

        bool HasEnded(Func<string> read) => MemberInstance.HasProcessEnded(other, _ => read());

        static string Stat(string state, int start) => $"7 (a (b) c) {state} {string.Join(' ', Enumerable.Repeat("0", 18))} {start} 0 0";
    }
}

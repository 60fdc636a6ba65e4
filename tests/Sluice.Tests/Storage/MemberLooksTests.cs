using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>What an inspector knows of the members of very many groups.</summary>
public class MemberLooksTests
{
    /// <remarks>Formerly all were forgotten at 100,000, and a command that waited until all are known waited for ever.</remarks>
    [Fact]
    public void MembersOfManyGroupsAreKnownAtTheSecondLook()
    {
        const int Groups = 100_002;
        var clock = new TestClock();
        var looks = new MemberLooks(clock);
        foreach (MemberStatus expected in (MemberStatus[])[MemberStatus.Unknown, MemberStatus.Alive])
        {
            long beats = expected == MemberStatus.Alive ? 2 : 1;
            for (int i = 0; i < Groups; i++)
            {
                var info = new GroupInfo([new MemberInfo("m", beats, "m1", TimeSpan.FromSeconds(10))], [], null, 0);
                Assert.Equal(expected, Assert.Single(looks.Look(new($"s{i}", "g"), info, clock.GetTimestamp())).Status);
            }
            clock.Advance(TimeSpan.FromSeconds(1));
        }
    }
}

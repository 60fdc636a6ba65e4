using Sluice.Membership;

namespace Sluice.Tests.Membership;

/// <summary>The end of an instance is final. Otherwise a loop that has ended could keep its name for ever.</summary>
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
}

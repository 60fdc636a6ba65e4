using Sluice.Membership;

namespace Sluice.Tests.Membership;

/// <summary>The end of an instance is final: a name that a dead loop could take again would be taken for ever.</summary>
public class MemberInstanceEndTests
{
    [Fact]
    public void AnInstanceThatHasEndedBeginsNoMore()
    {
        var instance = new MemberInstance();
        instance.Begin();
        Assert.True(MemberInstance.IsAlive(instance.Id));
        instance.End();
        instance.Begin();
        Assert.False(MemberInstance.IsAlive(instance.Id));
    }
}

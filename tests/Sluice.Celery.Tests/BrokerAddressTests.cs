namespace Sluice.Celery.Tests;

public class BrokerAddressTests
{
    [Theory]
    [InlineData("redis://", "has no host. Celery takes that for this machine: write redis://localhost.")]
    [InlineData("amqps:///hunter2", "has no host")]
    [InlineData("redis://:hunter2@/0", "cannot be read")]
    [InlineData("localhost:6379,password=hunter2", "has no scheme")]
    [InlineData("redis://:hunter2@host/hunter2", "has no number of a database")]
    [InlineData("redis://:hunter2@one;redis://:hunter2@two", "has several servers")]
    [InlineData("sqs://hunter2:hunter2@", "begins with sqs://, which this package does not speak")]
    [InlineData("redis://:hunter2@#@host", "cannot be read")]
    public void AnAddressThatCannotBeReadIsRefusedWithoutItsSecrets(string address, string why)
    {
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => Executor.Celery(address));
        Assert.Contains(why, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://localhost", "Redis at localhost:6379")]
    [InlineData("rediss://:a%40b@host:1/7", "Redis at host:1, database 7")]
    [InlineData("amqp://guest:guest@host//", "RabbitMQ at host:5672")]
    [InlineData("pyamqp://u:p@host/shop", "RabbitMQ at host:5672, virtual host shop")]
    [InlineData("amqps://host", "RabbitMQ at host:5671")]
    [InlineData("redis://[::1]:6380/1", "Redis at [::1]:6380, database 1")]
    public void TheTextOfAnAddressHasHostAndDatabase(string address, string text) => Assert.Equal(text, $"{BrokerAddress.Parse(address)}");

    [Fact]
    public void PasswordsAreDecoded() => Assert.Equal("a@b", BrokerAddress.Parse("rediss://:a%40b@host:1/7").Password);
}

using System.Text;
using Microsoft.Extensions.Logging;

namespace Sluice.Hosting.Tests.Http;

/// <summary>
/// A body with broken framing is a mistake of the client: it gets 400, nothing is accepted, and the log has no stack trace.
/// </summary>
public class BrokenBodyTests
{
    private const string Head = "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    private const string Item = "{\"Id\":\"a\",\"Quantity\":1}";

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz\r\n" + Item + "\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n17\r\n" + Item + "XX0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + Item)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n17\r\n" + Item + "\r\nq\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n17\n" + Item + "\n0\n\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n17\r\n" + Item + "\r\n0\r\nbad trailer\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n80000000\r\n" + Item)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n7fffffff7fffffff\r\n" + Item)]
    [InlineData("Transfer-Encoding: gzip\r\n\r\n17\r\n" + Item + "\r\n0\r\n\r\n")]
    [InlineData("Content-Length: 23\r\nContent-Length: 22\r\n\r\n" + Item)]
    [InlineData("Content-Length: x\r\n\r\n" + Item)]
    public async Task ABrokenBodyIsAnsweredWith400WithoutALoggedStack(string rest)
    {
        foreach (bool isSplit in (bool[])[false, true])
        {
            await using var stores = new Stores("memory");
            var log = new LogProbe();
            await using Service service = await Service.StartAsync(await stores.OpenAsync(), log: log);
            using RawClient client = await RawClient.ConnectAsync(service.Address);

            int body = rest.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
            await client.SendAsync(Encoding.ASCII.GetBytes(Head + rest[..(isSplit ? body + 3 : rest.Length)]));
            if (isSplit) await client.SendAsync(Encoding.ASCII.GetBytes(rest[(body + 3)..]));
            (int status, string answer) = await client.ReceiveAsync();

            string seen = $"{status} {answer} {string.Join("\n", log.Lines)}";
            Assert.True(status == 400 || (status is 202 && rest.Contains("trailer", StringComparison.Ordinal)), seen);
            // On a busy machine, the server warns that its timer has stood still.
            Assert.DoesNotContain(
                log.Lines.Where(static line => !line.Text.Contains("the heartbeat has been running for", StringComparison.Ordinal)),
                line => line.Level >= LogLevel.Warning || (line.Exception is not null && line.Level >= LogLevel.Information));
            Assert.Equal(status == 202 ? 1 : 0, (await service.EndAsync()).Accepted);
        }
    }
}

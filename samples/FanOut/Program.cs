using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using FanOut;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

var urls = new Option<string>("--urls") { Description = "Where it listens.", DefaultValueFactory = _ => "http://127.0.0.1:5077" };
var failEvery = new Option<int>("--fail-every")
{
    Description = "The reviews fail every so many times that they are asked; 0: never.",
    DefaultValueFactory = _ => 20
};
var timeout = new Option<int>("--timeout")
{
    Description = "How many seconds a backend may take.",
    DefaultValueFactory = _ => 1
};
var load = new Option<bool>("--load") { Description = "Drives itself with requests, prints how long they took, and ends." };
var requests = new Option<int>("--requests")
{
    Description = "With --load: how many for each of the two pages.",
    DefaultValueFactory = _ => 5_000
};
var concurrency = new Option<int>("--concurrency") { Description = "With --load: how many at a time.", DefaultValueFactory = _ => 32 };
failEvery.Validators.Add(result => AtLeast(result, 0));
timeout.Validators.Add(result => AtLeast(result, 1, most: 3600));
requests.Validators.Add(result => AtLeast(result, 10));
concurrency.Validators.Add(result => AtLeast(result, 1));

var command =
    new RootCommand("A web service that answers by asking five others, through a graph for each request: GET /product/7, GET /graph.")
    { urls, failEvery, timeout, load, requests, concurrency };
command.SetAction(async (arguments, cancellation) =>
{
    await using Backends backends = await Backends.StartAsync(arguments.GetValue(failEvery), cancellation);
    using var services = new Services(backends.Addresses);
    var patience = TimeSpan.FromSeconds(arguments.GetValue(timeout));
    await using WebApplication server = Server.Build(new ProductPage(services, patience), new ByHand(services, patience),
        arguments.GetValue(load) ? "http://127.0.0.1:0" : arguments.GetValue(urls)!);
    try
    {
        await server.StartAsync(cancellation);
    }
    catch (Exception e) when (e is IOException or SocketException or FormatException or InvalidOperationException)
    {
        return Fail(1, $"cannot listen at {arguments.GetValue(urls)}: {e.Message}");
    }

    if (arguments.GetValue(load))
    {
        await Load.RunAsync(new(server.Urls.First()), arguments.GetValue(requests), arguments.GetValue(concurrency), cancellation);
        return 0;
    }

    foreach ((string name, Uri address) in backends.Addresses) Console.WriteLine($"{name,-9} {address}");
    Console.WriteLine($"listening {string.Join(", ", server.Urls)}  (try /product/7, /graph, /graph/7; Ctrl+C ends it)");
    await server.WaitForShutdownAsync(cancellation);
    return 0;
});
ParseResult parsed = command.Parse(args);
return parsed.Errors.Count == 0 ? await parsed.InvokeAsync() : Fail(2, parsed.Errors[0].Message);

// One line, whatever was typed.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"fan-out: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}

static void AtLeast(System.CommandLine.Parsing.OptionResult result, int least, int most = int.MaxValue)
{
    // What is no number is refused by the parser.
    if (result.Tokens is [var given] && int.TryParse(given.Value, CultureInfo.InvariantCulture, out int value))
    {
        if (value < least) result.AddError($"{result.Option.Name} is at least {least}.");
        if (value > most) result.AddError($"{result.Option.Name} is at most {most}.");
    }
}

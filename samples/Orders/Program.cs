using Orders;
using Orders.Driving;
using Orders.Shop;

// The path of an order: Shop/Desk takes it in one transaction (order, stock, event); Shop/Warehouse ships it and counts what was sold, in
// the transaction that settles the event. Driving/ is the other side: customers, kills, and the comparison of the books.
try
{
    if (Options.Parse(args) is not { } options) return 0;
    using var interrupts = new Interrupts();
    if (options.Drive is { } drive) return await Drive.RunAsync(drive, interrupts.Stop) ? 0 : 1;
    ParentProcess.Watch();
    await Service.RunAsync(options.Serve!, interrupts.Stop);
    return 0;
}
catch (UserMistake mistake)
{
    return Fail(2, mistake.Message);
}
catch (Exception unexpected)
{
    return Fail(1, $"{unexpected.GetType().Name}: {unexpected.Message}");
}

// One line, whatever is in the message.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine($"orders: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}

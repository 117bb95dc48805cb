using System.Net;
using Framelease.Operator.Notifications;

namespace Framelease.Operator.Tests.Notifications;

public sealed class AddressGuardTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.9.9.9")]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("172.31.0.1")]
    [InlineData("192.168.1.1")]
    [InlineData("169.254.169.254")] // metadata of most clouds
    [InlineData("100.100.100.200")] // and of another
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("fe80::1")]
    [InlineData("fd00:ec2::254")] // metadata over IPv6
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::7f00:1")] // 127.0.0.1 through NAT64
    [InlineData("2002:7f00:1::")] // and through 6to4
    public void An_address_of_this_machine_its_network_or_the_cloud_is_closed(string address) =>
        AddressGuard.IsPublic(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("2606:4700:4700::1111")]
    public void A_public_address_is_open(string address) => AddressGuard.IsPublic(IPAddress.Parse(address)).ShouldBeTrue();
}
